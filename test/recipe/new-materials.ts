import type { LibraryFile } from "#recipe/library.js";

/** Potassium and zinc oxide, as anybody would add them: two files. */
export const POTASSIUM: LibraryFile = {
	fileName: "K.yaml",
	text: "adlayer: material/1\nname: K\ntitle: Potassium foil\nmelting_degC: 63.5\nsource: CRC Handbook\n",
};
export const ZINC_OXIDE: LibraryFile = {
	fileName: "ZnO.yaml",
	text: `adlayer: film/1
name: ZnO
title: Zinc oxide from diethylzinc and water
made: [{ suffix: none, anneal: false }]
deposited:
  precursors: [DEZ, H2O]
  growth:
    - material: any
      nm_per_cycle: [{ at_degC: 100, nm: 0.18 }, { at_degC: 150, nm: 0.2 }]
      source: made up for this test
  purge_minimum:
    DEZ: [{ at_degC: 80, s: 6 }]
    H2O: [{ at_degC: 80, s: 25 }, { at_degC: 150, s: 15 }]
  purge_source: made up for this test
`,
};

/** A stack of two films from three bottles. */
export const STACK = `adlayer: recipe/1
name: stack
title: Zinc oxide in aluminium oxide
version: "1"
material: none
product: { films: [Al2O3, ZnO], suffix: none }
steps:
  - flow: { sccm: 0 }
  - pump_down: { below_torr: 0.1, timeout_s: 900 }
  - flow: { sccm: 100 }
  - heat:
      tma_line: { to_degC: 60, ramp_degC_per_min: 10 }
      wall: { to_degC: 125, ramp_degC_per_min: 10 }
      stage: { to_degC: 125, ramp_degC_per_min: 10 }
  - stabilise: { zones: [tma_line, wall, stage], within_degC: 1, for_s: 300, timeout_s: 5400 }
  - repeat:
      times: 20
      steps:
        - repeat:
            times: 4
            film: Al2O3
            steps:
              - pulse: { precursor: TMA, ms: 15 }
              - purge: { for_s: 5 }
              - pulse: { precursor: H2O, ms: 15 }
              - purge: { for_s: 12 }
        - repeat:
            times: 1
            film: ZnO
            steps:
              - pulse: { precursor: DEZ, ms: 15 }
              - purge: { for_s: 6 }
              - pulse: { precursor: H2O, ms: 15 }
              - purge: { for_s: 19 }
  - cool: { zone: stage, below_degC: 60, timeout_s: 14400 }
`;
