import { GateError } from './errors.ts'
import type { LockedPackage } from './lockfile/types.ts'
import { acceptedRegistries, decide, needsProof } from './policy/decide.ts'
import type { Policy, Verdict } from './policy/types.ts'
import { isRecalled, openProver, type Prover, type ProverOptions } from './proving/prover.ts'
import { broken } from './proving/refusals.ts'

/**
 * Judges one entry of a lockfile. What goes wrong while deciding is a refusal. The one thing that it throws is a
 * GateError, where the trust material is unusable: then the gate could not do its job, which is no package's fault.
 */
export interface Gate {
  (pkg: LockedPackage): Promise<Verdict>
  /** Reads what was proven in earlier runs, or makes ready to prove many packages. Never throws. */
  load(isMany: boolean): Promise<void>
  /** Writes down what was proven, for the next run. Never throws. */
  save(): Promise<void>
}

export interface GateOptions extends ProverOptions {
  readonly policy: Policy
}

/**
 * The road: entry → rule → evidence → proof → verdict. Evidence is fetched and verified only where the rule needs it,
 * and once per entry, however often and from however many sides it is asked for. What is kept, between calls and between
 * runs, are facts (proofs); the policy decides each time.
 */
export function openGate({ policy, trust, ...options }: GateOptions): Gate {
  return gateBy(policy, openProver({ ...options, trust: { ...policy.trust, ...trust } }), options.now)
}

/** A gate whose proofs others share: those with other policies, which trust the same. */
export function gateBy(policy: Policy, prove: Prover, now: Date): Gate {
  const gate = async (pkg: LockedPackage): Promise<Verdict> => {
    try {
      if (!needsProof(pkg, policy)) return decide(pkg, policy, undefined, now)
      const registries = acceptedRegistries(pkg, policy)
      const proof = prove.recalled(pkg, registries) ?? (await prove(pkg, registries, 'brief'))
      const verdict = decide(pkg, policy, proof, now)
      // That there was nothing a while ago refuses no package: by now there may be something.
      if (verdict.status !== 'refused' || !isRecalled(proof)) return verdict
      return decide(pkg, policy, await prove(pkg, registries), now)
    } catch (error) {
      if (error instanceof GateError) throw error
      const { refusal } = broken(error)
      return { package: pkg, status: 'refused', refusal, rule: undefined, claims: undefined }
    }
  }
  const needsAny = [policy, ...policy.projects.values()].some(({ rules }) =>
    rules.some(({ require, unchanged }) => require !== 'nothing' || unchanged),
  )
  const load = async (isMany: boolean) => (needsAny ? prove.load(isMany) : undefined)
  return Object.assign(gate, { load, save: prove.save })
}
