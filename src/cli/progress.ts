import { SingleBar } from 'cli-progress'

/** A bar on standard error, which goes when all is done. @param what is done to the packages */
export function progressBar(total: number, what: string): SingleBar {
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total}`,
    stream: process.stderr,
    clearOnComplete: true,
    // Nothing that Ctrl-C would leave switched off in the terminal.
    linewrap: true,
  })
  bar.start(total, 0)
  return bar
}
