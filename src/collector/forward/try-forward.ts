import type { ForwardConfig } from '../../config/config.ts';
import { emptyStream } from './forward-stream.ts';
import { readSiteKey } from './site-key.ts';
import { siteLink } from './site-link.ts';

/** Pushes an empty stream. Throws FleetError `push-failed` or `keys-invalid`. */
export async function tryForward({ url, keyFile }: ForwardConfig, signal: AbortSignal): Promise<void> {
  const answer = await siteLink(url, readSiteKey(keyFile)).send(emptyStream(), signal);
  if (answer.kind === 'busy') throw answer.fault;
}
