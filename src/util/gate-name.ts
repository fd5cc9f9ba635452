/** The name under which the gate is published. */
export const GATE_NAME = 'pnpm-plugin-provenance-gate'
