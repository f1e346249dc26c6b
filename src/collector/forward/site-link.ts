import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';

import { FleetError } from '../../platform/errors/errors.ts';
import { answerFault, pushSigned, shownUrl } from '../../platform/push-faults.ts';
import { secondMs } from '../../platform/units.ts';
import { pathInInbox, pushPath, senderOfSite } from '../../report/seal/push.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import type { SiteKey } from './site-key.ts';

/** The link from a site to the collector with the database. */
export interface SiteLink {
  /** The URL, for people. */
  readonly url: string;
  /** Puts one file, within `leftMs` (at least 10 s, at most 60). Throws FleetError `push-failed`. */
  readonly put: (file: PutFile, signal: AbortSignal, leftMs?: number) => Promise<PutAnswer>;
  /** Closes the connections. */
  readonly close: () => void;
}

export interface PutFile {
  /** The folder and name in the inbox of the site at the other collector. */
  readonly folder: string;
  readonly name: string;
  readonly body: Buffer;
}

export type PutAnswer =
  /** The file is safe there. */
  | { readonly kind: 'taken' }
  /** The other collector does not take this file: its client is not of this site, or its part of the disk is full. */
  | { readonly kind: 'refused' }
  /** The other collector is busy: the file may be sent again in a moment. */
  | { readonly kind: 'busy'; readonly fault: FleetError };

const maxMs = 60 * secondMs;
const minMs = 10 * secondMs;
const maxAnswerBytes = 1024;
/** The files that are sent at a time. */
export const maxParallel = 8;

const busy: readonly (number | undefined)[] = [429, 503];
const refused: readonly (number | undefined)[] = [403, 507];
/** The answers of a version that has no inbox, or of a server without `<push/>`. */
const missing: readonly (number | undefined)[] = [404, 405];

function adviceOfRefusal(site: string): string {
  return (
    `Put the file of <forward key> here that \`fleet-health enroll ${shownShellWord(site)} --site\` prints on the other ` +
    'collector now: the key was rotated or revoked, or its config.xml has no client with transport="forward" and the ' +
    'label of this site.'
  );
}

const adviceOfMissing =
  'Upgrade Fleet Health on the other collector to the version of this site, write <push/> into its <serve> and start ' +
  '`fleet-health serve` anew, or mend the URL.';

export function siteLink(to: string, { site, pushKey }: SiteKey): SiteLink {
  const base = baseOf(to);
  const kept = { keepAlive: true, maxSockets: maxParallel } as const;
  const agent = base.protocol === 'https:' ? new TlsAgent(kept) : new Agent(kept);
  return {
    url: shownUrl(new URL(to)),
    put: async ({ folder, name, body }, signal, leftMs = maxMs) => {
      const path = pathInInbox(folder, name);
      const url = new URL(`${base.href.replace(/\/$/, '')}${path}`);
      const timeoutMs = Math.max(minMs, Math.min(maxMs, leftMs));
      const post = { url, path, client: senderOfSite(site), key: pushKey, body, maxAnswerBytes };
      const { status } = await pushSigned(base, { ...post, agent, signal }, timeoutMs);
      if (refused.includes(status)) return { kind: 'refused' };
      const fault = faultOf(base, site, status);
      if (busy.includes(status)) return { kind: 'busy', fault };
      if (status !== 200) throw fault;
      return { kind: 'taken' };
    },
    close: () => agent.destroy(),
  };
}

/** Returns the URL above `/v1/`. `<forward url>` may have the path of pushes, which a proxy may put elsewhere. */
function baseOf(to: string): URL {
  const url = new URL(to);
  if (url.pathname.endsWith(pushPath)) url.pathname = url.pathname.slice(0, -pushPath.length);
  return url;
}

function faultOf(base: URL, site: string, status: number | undefined): FleetError {
  const fault = answerFault(base, status, adviceOfRefusal(site));
  if (!missing.includes(status)) return fault;
  const { code, stage, message } = fault;
  return new FleetError({ code, stage, message, advice: adviceOfMissing });
}
