/** Ten cycles in little lab time, with everything a coating has: heat, doses, an anneal below a declared limit, cooling. */
export const TEN_CYCLES = `adlayer: recipe/1
name: ten-cycles
title: Ten cycles for faults
version: "1.0"
description: Ten cycles at 80 °C, a minute of anneal.
material: Li
product: { film: LiAlOx, suffix: ex }
parameters:
  cycles: { title: Deposition cycles, unit: cycles, min: 1, max: 500, default: 10, integer: true }
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
      - stabilise: { zones: [tma_line, wall, stage], within_degC: 1, for_s: 30, timeout_s: 1800 }
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
          at_degC: 88
          within_degC: 0.5
          for_s: 60
          ramp_degC_per_min: 5
          approach_last_degC: 5
          approach_degC_per_min: 2
          never_above_degC: 93
          timeout_s: 3600
  - phase: cool
    steps:
      - cool: { zone: stage, below_degC: 80, timeout_s: 14400 }
`;
