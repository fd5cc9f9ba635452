/** Spans and days as a policy writes them. Both are text, so that YAML and JSON mean the same. */

const UNITS: ReadonlyMap<string, number> = new Map([
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
])

const SPAN = /^([1-9]\d{0,4})([hdw])$/

/** `12h`, `3d`, `2w` in milliseconds. @throws TypeError for what `spanProblem` finds wrong */
export function toMilliseconds(span: string): number {
  const [, count, unit = ''] = SPAN.exec(span) ?? []
  const factor = UNITS.get(unit)
  if (count === undefined || factor === undefined) throw new TypeError('not a span')
  return Number(count) * factor
}

export function spanProblem(text: string): string | undefined {
  return SPAN.test(text)
    ? undefined
    : `${JSON.stringify(text)} is not a span of time: write a whole number of hours, days or weeks, such as "12h", "3d" or "2w"`
}

const DAY = 86_400_000

/** The first moment of a day, `2027-01-31`, in UTC. */
export function startOf(day: string): Date {
  return new Date(`${day}T00:00:00.000Z`)
}

/** The first moment after it. */
export function endOf(day: string): Date {
  return new Date(startOf(day).getTime() + DAY)
}

export function dayProblem(text: string): string | undefined {
  // Without the second look 2027-02-31 would be a day in March.
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(startOf(text).getTime())
  return isDay && startOf(text).toISOString().startsWith(text)
    ? undefined
    : `${JSON.stringify(text)} is not a day: write year, month and day, such as "2027-01-31"`
}

/** How long ago, for people: `40 minutes`, `5 hours`, `3 days`. */
export function howLong(milliseconds: number): string {
  const [size, unit] =
    milliseconds < 2 * 3_600_000 ? [60_000, 'minute'] : milliseconds < 2 * DAY ? [3_600_000, 'hour'] : [DAY, 'day']
  const count = Math.max(0, Math.floor(milliseconds / Number(size)))
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
