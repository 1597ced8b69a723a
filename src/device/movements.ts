/** Movements of outputs and setpoints that are under way: a poll which overlaps one does not judge what it reads. */
export class Movements {
	private begun = 0;
	private running = 0;

	get isUnderWay(): boolean {
		return this.running > 0;
	}

	async during<Result>(movement: () => Promise<Result>): Promise<Result> {
		this.begun += 1;
		this.running += 1;
		try {
			return await movement();
		} finally {
			this.running -= 1;
		}
	}

	/** Tells, asked later, whether no movement has been under way since. */
	watch(): () => boolean {
		const before = this.running === 0 ? this.begun : undefined;
		return () => this.begun === before;
	}
}
