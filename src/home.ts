import { homedir } from 'node:os'

/**
 * In a container a process may run as a user that nobody has heard of, without HOME: then `homedir` throws, and with it
 * libraries that ask for it while they are loaded. The root folder has no settings that others could have put there.
 */
try {
  homedir()
} catch {
  process.env.HOME = '/'
}
