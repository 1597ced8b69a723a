/** Whether a topic fits a subscription: `+` stands for one level, `#` at the end for all that follow. */
export function topicFits(filter: string, topic: string): boolean {
	const wanted = filter.split("/");
	const levels = topic.split("/");
	for (let at = 0; at < wanted.length; at += 1) {
		if (wanted[at] === "#") return true;
		if (at >= levels.length || (wanted[at] !== "+" && wanted[at] !== levels[at])) return false;
	}
	return wanted.length === levels.length;
}
