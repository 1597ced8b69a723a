/** Starting a run: recipe, parameters with their ranges, the check's verdict, and what must be acknowledged. */
import { $, make, setText } from "./dom.js";
import { duration } from "./format.js";
import { givenName, rememberOperator } from "./operator.js";
import { get, inWords, post, Refused } from "./rest.js";

/** Pause in the typing after which the recipe is checked anew. */
const CHECK_AFTER_MS = 400;

let parameters = [];
let report = null;
/** Answers of older checks are dropped. */
let checkNumber = 0;
let timer = 0;
let isSending = false;

export function startLaunchForm() {
	$("recipe").addEventListener("change", () => void chooseRecipe());
	$("parameters").addEventListener("input", checkSoon);
	$("acknowledgements").addEventListener("change", allowLaunch);
	$("launch-operator").addEventListener("input", allowLaunch);
	$("launch-cancel").addEventListener("click", () => $("launcher").close());
	$("launch-form").addEventListener("submit", (event) => {
		event.preventDefault();
		void launch();
	});
}

export async function openLaunchForm() {
	setText($("launch-answer"), "");
	$("sample").value = "";
	$("launch-operator").value = givenName();
	$("launcher").showModal();
	try {
		const { recipes } = await get("/recipes");
		const chosen = $("recipe").value;
		$("recipe").replaceChildren(
			...recipes.map(({ name, title }) => make("option", { value: name }, `${title} (${name})`)),
		);
		if (recipes.some(({ name }) => name === chosen)) $("recipe").value = chosen;
		await chooseRecipe();
	} catch (error) {
		setText($("launch-answer"), inWords(error));
	}
}

async function chooseRecipe() {
	forgetReport();
	const name = $("recipe").value;
	$("parameters").replaceChildren();
	parameters = [];
	try {
		const recipe = await get(`/recipes/${encodeURIComponent(name)}`);
		if ($("recipe").value !== name) return;
		parameters = recipe.parameters ?? [];
		$("parameters").replaceChildren(...parameters.map(parameterField));
		await check();
	} catch (error) {
		setText($("launch-answer"), inWords(error));
	}
}

/** A number with its range, and two large buttons, since gloves do not type. */
function parameterField({ name, title, unit, min, max, default: usual, integer }) {
	const step = integer ? 1 : "any";
	const input = make("input", {
		type: "number",
		name,
		min,
		max,
		step,
		value: usual,
		inputmode: "decimal",
		required: "",
	});
	const change = (direction) => {
		const by = integer ? Math.max(1, 10 ** Math.floor(Math.log10((max - min) / 20))) : (max - min) / 20;
		const next = Math.min(max, Math.max(min, Number(input.value) + direction * by));
		input.value = String(Number(next.toPrecision(6)));
		checkSoon();
	};
	const button = (text, label, direction) => {
		const made = make("button", { type: "button", "aria-label": `${label} ${title}` }, text);
		made.addEventListener("click", () => change(direction));
		return made;
	};
	return make(
		"label",
		{ class: "parameter" },
		title,
		make("span", { class: "stepper" }, button("−", "less", -1), input, button("+", "more", 1)),
		make("small", {}, `${min} to ${max} ${unit}`),
	);
}

function checkSoon() {
	forgetReport();
	clearTimeout(timer);
	timer = setTimeout(() => void check(), CHECK_AFTER_MS);
}

function forgetReport() {
	report = null;
	checkNumber += 1;
	setText($("check"), "Checking …");
	$("acknowledgements").replaceChildren();
	setText($("launch-answer"), "");
	allowLaunch();
}

/** What is typed goes out as it is: the check says what is wrong with it. */
function setValues() {
	return Object.fromEntries(
		parameters.map(({ name }) => {
			const text = $("parameters").querySelector(`[name="${CSS.escape(name)}"]`).value;
			return [name, text === "" ? "" : Number(text)];
		}),
	);
}

async function check() {
	checkNumber += 1;
	const mine = checkNumber;
	try {
		const answer = await post("/recipes/check", { recipe: $("recipe").value, set: setValues() });
		if (mine !== checkNumber) return;
		report = answer;
		renderReport();
	} catch (error) {
		if (mine === checkNumber) setText($("check"), inWords(error));
	}
	allowLaunch();
}

function renderReport() {
	const acknowledged = new Set(report.acknowledgements.map(({ reason }) => reason));
	const problems = report.problems
		.filter(({ severity, message }) => severity === "error" || !acknowledged.has(message))
		.map(({ severity, message }) => make("p", { class: severity }, message));
	$("check").replaceChildren(...(report.dryRun === null ? [] : [summary(report.dryRun)]), ...problems);
	$("acknowledgements").replaceChildren(
		...report.acknowledgements.map(({ code, reason }) =>
			make(
				"label",
				{ class: "acknowledge" },
				make("input", { type: "checkbox", value: code }),
				make("span", {}, make("b", {}, "I have read and accept: "), reason),
			),
		),
	);
}

function summary({ totalS, pulses, thicknessNm, precursorMg }) {
	const mg = Object.entries(precursorMg).map(([precursor, value]) => `${Number(value.toPrecision(3))} mg ${precursor}`);
	const counts = Object.entries(pulses).map(([precursor, count]) => `${count} ${precursor}`);
	return make(
		"p",
		{ class: "summary" },
		`${duration(totalS)} planned · ${counts.join(" and ")} pulses · about ${Number(thicknessNm.toPrecision(3))} nm · ${mg.join(", ")}`,
	);
}

const acknowledgedCodes = () => [...$("acknowledgements").querySelectorAll("input:checked")].map(({ value }) => value);

function allowLaunch() {
	const missing = [];
	if (report?.ok && $("launch-operator").value.trim() === "") missing.push("the operator's name");
	if (acknowledgedCodes().length < (report?.acknowledgements.length ?? 0)) missing.push("the acknowledgements above");
	setText($("launch-missing"), missing.length === 0 ? "" : `Still needed: ${missing.join(" and ")}.`);
	$("launch-now").disabled = isSending || !report?.ok || missing.length > 0;
}

async function launch() {
	if ($("launch-now").disabled) return;
	isSending = true;
	allowLaunch();
	const operator = $("launch-operator").value.trim();
	const sample = $("sample").value.trim();
	setText($("launch-answer"), "Starting …");
	try {
		const { run } = await post("/runs", {
			recipe: $("recipe").value,
			set: setValues(),
			operator,
			acknowledge: acknowledgedCodes(),
			...(sample === "" ? {} : { sample }),
		});
		rememberOperator(operator);
		setText($("answer"), `Run ${run} is started.`);
		$("launcher").close();
	} catch (error) {
		const details = error instanceof Refused ? error.problems.map(({ message }) => message) : [];
		setText($("launch-answer"), [inWords(error), ...details].join(" "));
	} finally {
		isSending = false;
		allowLaunch();
	}
}
