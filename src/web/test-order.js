/** Ordering a battery test: cell, protocol, cycler and channel, and what the protocol takes from the cell. */
import { $, make, setText } from "./dom.js";
import { givenName, rememberOperator } from "./operator.js";
import { get, inWords, post, Refused } from "./rest.js";
import { isOpen } from "./test-words.js";

const LOOK_UP_AFTER_MS = 400;
const FIELDS = ["cell", "protocol", "cycler", "channel", "area", "mass", "name", "attended"];

let tests = [];
let cyclers = [];
let protocol = null;
let ordered = () => {};
let isSending = false;
let timer = 0;
/** Answers about a barcode that was typed on are dropped. */
let lookedUp = 0;

export function startOrder({ onOrdered }) {
	ordered = onOrdered;
	$("order").addEventListener("click", () => void open());
	$("order-back").addEventListener("click", () => $("orderer").close());
	$("order-protocol").addEventListener("change", () => void chooseProtocol());
	$("order-cycler").addEventListener("change", listChannels);
	$("order-cell").addEventListener("input", () => {
		clearTimeout(timer);
		timer = setTimeout(() => void lookUp(), LOOK_UP_AFTER_MS);
	});
	for (const field of FIELDS) $(`order-${field}`).addEventListener("input", allow);
	$("order-form").addEventListener("submit", (event) => {
		event.preventDefault();
		void order();
	});
}

/** What is open now: a busy channel is said to be one. */
export function knowTests(next, isLive) {
	tests = next;
	$("order").disabled = !isLive;
}

async function open() {
	for (const field of ["cell", "area", "mass", "attended"]) $(`order-${field}`).value = "";
	for (const place of ["order-answer", "order-known", "order-hours"]) setText($(place), "");
	$("order-name").value = givenName();
	$("orderer").showModal();
	allow();
	try {
		const [known, offered] = await Promise.all([get("/cyclers"), get("/protocols")]);
		cyclers = known.cyclers;
		options("order-cycler", cyclers, ({ cycler }) => [cycler, cycler]);
		options("order-protocol", offered.protocols, ({ name, title }) => [name, `${title} (${name})`]);
		if (cyclers.length === 0) setText($("order-answer"), "This station has no cycler: the lab file names none.");
		listChannels();
		await chooseProtocol();
	} catch (error) {
		setText($("order-answer"), inWords(error));
	}
}

function options(id, items, of) {
	const before = $(id).value;
	$(id).replaceChildren(
		...items.map((item) => {
			const [value, text] = of(item);
			return make("option", { value }, text);
		}),
	);
	if (items.some((item) => of(item)[0] === before)) $(id).value = before;
}

function listChannels() {
	const cycler = $("order-cycler").value;
	const channels = cyclers.find((one) => one.cycler === cycler)?.channels ?? [];
	const busy = new Map(
		tests.filter((test) => isOpen(test) && test.cycler === cycler).map((test) => [test.channel, test]),
	);
	const named = channels.map((channel) => {
		const test = busy.get(channel);
		return [channel, test === undefined ? channel : `${channel} (after ${test.cell})`];
	});
	options("order-channel", [["", "the first free one that can run it"], ...named], (each) => each);
	allow();
}

async function chooseProtocol() {
	const name = $("order-protocol").value;
	protocol = null;
	allow();
	if (name === "") return;
	try {
		const read = await get(`/protocols/${encodeURIComponent(name)}`);
		if ($("order-protocol").value !== name) return;
		protocol = read;
		const { nominalHours, needs } = protocol;
		setText($("order-hours"), nominalHours === null ? "" : `At most ${nominalHours.toFixed(0)} h.`);
		$("order-area").placeholder = needs.area ? "required" : "for the record";
		$("order-mass").placeholder = needs.activeMass ? "required" : "for the record";
	} catch (error) {
		setText($("order-answer"), inWords(error));
	}
	allow();
}

/** A cell that is registered brings its area and mass along. */
async function lookUp() {
	lookedUp += 1;
	const mine = lookedUp;
	const barcode = $("order-cell").value.trim();
	setText($("order-known"), "");
	if (barcode === "") return;
	try {
		const { kind, id, areaCm2, positive } = await get(`/barcodes/${encodeURIComponent(barcode)}`);
		if (mine !== lookedUp) return;
		if (kind !== "cell") {
			setText($("order-known"), `This is the barcode of the ${kind} ${id}, not of a cell.`);
			return;
		}
		setText($("order-known"), `Registered as ${id}.`);
		if (areaCm2 !== undefined) $("order-area").value = String(areaCm2);
		if (positive?.activeMassMg !== undefined) $("order-mass").value = String(positive.activeMassMg);
	} catch (error) {
		if (mine !== lookedUp) return;
		const isUnknown = error instanceof Refused && error.code === "ITEM_NOT_FOUND";
		const unknown = "Not registered: the test will stand without a line of descent until the cell is.";
		setText($("order-known"), isUnknown ? unknown : inWords(error));
	}
	allow();
}

const text = (field) => $(`order-${field}`).value.trim();

/** Undefined when nothing was typed; NaN when it is no positive number. */
function amount(field) {
	if ($(`order-${field}`).validity.badInput) return Number.NaN;
	if (text(field) === "") return undefined;
	const value = Number(text(field));
	return value > 0 ? value : Number.NaN;
}

function missing() {
	const found = [];
	if (text("cell") === "") found.push("the barcode of the cell");
	if (text("cycler") === "") found.push("a cycler");
	if (protocol === null) found.push("a protocol");
	for (const [field, name, isNeeded] of [
		["area", "the area, above 0", protocol?.needs.area],
		["mass", "the active mass, above 0", protocol?.needs.activeMass],
	]) {
		const value = amount(field);
		if (Number.isNaN(value) || (isNeeded && value === undefined)) found.push(name);
	}
	if (text("name") === "") found.push("your name");
	return found;
}

function allow() {
	const found = missing();
	setText($("order-missing"), found.length === 0 ? "" : `Still needed: ${found.join(", ")}.`);
	$("order-now").disabled = isSending || found.length > 0;
}

async function order() {
	if ($("order-now").disabled) return;
	isSending = true;
	allow();
	setText($("order-answer"), "Ordering …");
	const area = amount("area");
	const mass = amount("mass");
	try {
		const { cellTest } = await post("/cell-tests", {
			cell: text("cell"),
			cycler: text("cycler"),
			protocolText: protocol.text,
			operator: text("name"),
			...(text("channel") === "" ? {} : { channel: text("channel") }),
			...(area === undefined ? {} : { areaCm2: area }),
			...(mass === undefined ? {} : { activeMassG: mass / 1_000 }),
			...(text("attended") === "" ? {} : { attendedBy: text("attended") }),
		});
		rememberOperator(text("name"));
		$("orderer").close();
		ordered(cellTest);
	} catch (error) {
		const details = error instanceof Refused ? error.problems.map(({ message }) => message) : [];
		setText(
			$("order-answer"),
			[...new Set([inWords(error, "On the machine itself: adlayer cycling start"), ...details])].join(" "),
		);
	} finally {
		isSending = false;
		allow();
	}
}
