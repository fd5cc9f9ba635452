import { dsse } from '@sigstore/core'
import { type SigningKey, sign } from './keys.ts'

export const IN_TOTO_PAYLOAD = 'application/vnd.in-toto+json'

/** A DSSE envelope as JSON. Not readonly: negative tests change what was signed. */
export interface EnvelopeJSON {
  /** Base64. */
  payload: string
  payloadType: string
  signatures: { sig: string; keyid: string }[]
}

/** Signs what DSSE says is to be signed: the payload together with its type, so that neither passes for another. */
export function signEnvelope(payload: Buffer, payloadType: string, key: SigningKey, keyid: string): EnvelopeJSON {
  const signature = sign(key, dsse.preAuthEncoding(payloadType, payload))
  return {
    payload: payload.toString('base64'),
    payloadType,
    signatures: [{ sig: signature.toString('base64'), keyid }],
  }
}
