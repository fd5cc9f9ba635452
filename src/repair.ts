/**
 * Set to `1` by `provenance-gate repair` for the pnpm that it starts. It is no switch that turns the gate off: under it
 * the hook takes away the folder that packages would be linked into, and their scripts, and judges what is newly
 * resolved as always. Set by hand or left behind, it makes installs install nothing.
 */
export const REPAIR_VARIABLE = 'PROVENANCE_GATE_REPAIR'

/** The commands of pnpm that write a lockfile and know `--lockfile-only`. */
export const REPAIRS = ['update', 'remove', 'add', 'install'] as const
