/** Recipes in the shape of the shipped lithium recipe, in little lab time: heat, doses, an anneal below a declared limit, cooling. */

interface Shape {
	readonly name: string;
	readonly title: string;
	readonly cycles: number;
	readonly stableS: number;
	readonly annealC: number;
	readonly annealS: number;
	readonly neverAboveC: number;
	readonly cooledC: number;
}

const recipeOf = ({ name, title, cycles, stableS, annealC, annealS, neverAboveC, cooledC }: Shape) => `adlayer: recipe/1
name: ${name}
title: ${title}
version: "1.0"
description: ${cycles} cycles at 80 °C, then ${annealS} s of anneal.
material: Li
product: { film: LiAlOx, suffix: ex }
parameters:
  cycles: { title: Deposition cycles, unit: cycles, min: 1, max: 500, default: ${cycles}, integer: true }
steps:
  - phase: prepare
    steps:
      - flow: { sccm: 0 }
      - pump_down: { below_torr: 0.1, timeout_s: 900 }
      - flow: { sccm: 100 }
      - heat:
          tma_line: { to_degC: 50, ramp_degC_per_min: 15 }
          wall: { to_degC: 80, ramp_degC_per_min: 15 }
          stage: { to_degC: 80, ramp_degC_per_min: 15 }
      - stabilise: { zones: [tma_line, wall, stage], within_degC: 1, for_s: ${stableS}, timeout_s: 1800 }
  - phase: deposit
    steps:
      - repeat:
          times: $cycles
          steps:
            - pulse: { precursor: TMA, ms: 15 }
            - purge: { for_s: 5 }
            - pulse: { precursor: H2O, ms: 15 }
            - purge: { for_s: 20 }
  - phase: anneal
    steps:
      - anneal:
          zone: stage
          at_degC: ${annealC}
          within_degC: 0.5
          for_s: ${annealS}
          ramp_degC_per_min: 5
          approach_last_degC: 5
          approach_degC_per_min: 2
          never_above_degC: ${neverAboveC}
          timeout_s: 3600
  - phase: cool
    steps:
      - cool: { zone: stage, below_degC: ${cooledC}, timeout_s: 14400 }
`;

export const SHORT_RECIPE = recipeOf({
	name: "short",
	title: "Short two-step run",
	cycles: 4,
	stableS: 60,
	annealC: 100,
	annealS: 120,
	neverAboveC: 105,
	cooledC: 60,
});

export const TEN_CYCLES = recipeOf({
	name: "ten-cycles",
	title: "Ten cycles for faults",
	cycles: 10,
	stableS: 30,
	annealC: 88,
	annealS: 60,
	neverAboveC: 93,
	cooledC: 80,
});
