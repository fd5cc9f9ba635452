/** File systems note the time of a change by a clock that ticks every few milliseconds. */
export const TICK_MS = 20
