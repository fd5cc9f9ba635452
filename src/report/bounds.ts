/*
 * How much of what strangers write a person is shown. Machines get all of it: `verify --json`.
 */

/** In characters. Names and versions that a registry has are shorter by far. */
export const MOST_NAME = 300
export const MOST_PHRASE = 1_000

/** Of a list within a line: of each of many packages, and of the one that is explained. */
export const MOST_PROJECTS_SHOWN = 5
export const MOST_LISTED = 20

/** Of lines, or packages, one below the other. */
export const MOST_LINES = 200
