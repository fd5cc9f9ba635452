import { GateError } from '../errors.ts'

/** Reads trust material. @param what it should be @throws GateError where it is not */
export function usable<T>(where: string, what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    // The library looks into what it is given without asking whether it is there.
    const message =
      error instanceof TypeError
        ? 'a part of it is missing'
        : // Its message quotes the text, which may be a secret: a pull request can name any file as trust material.
          error instanceof SyntaxError
          ? 'it is no JSON'
          : (error as Error).message
    throw new GateError(`${where} is not a usable ${what}: ${message}.`)
  }
}
