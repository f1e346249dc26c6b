import type { FleetError } from '../../errors.ts';
import { withTimeout } from '../../platform/deadline.ts';
import { answerFault, requestFault, shownUrl, strangerFault } from '../../platform/push-faults.ts';
import { postSigned } from '../../platform/signed-post.ts';
import { secondMs } from '../../platform/units.ts';
import { pushLimits, pushMarker, pushPath, senderOfSite } from '../../seal/push.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import type { SiteKey } from './site-key.ts';

/** The link from a site to the push endpoint of the collector with the database. */
export interface SiteLink {
  /** The URL, for people. */
  readonly url: string;
  /** Sends one stream, within `leftMs` (at least 10 s, at most 60). Throws FleetError `push-failed`. */
  readonly send: (body: Buffer, signal: AbortSignal, leftMs?: number) => Promise<SiteAnswer>;
}

export type SiteAnswer =
  | { readonly kind: 'taken'; readonly acknowledged: ReadonlySet<string> }
  /** The other collector is busy: the stream may be sent again in a moment. */
  | { readonly kind: 'busy'; readonly fault: FleetError };

const mostMs = 60 * secondMs;
const leastMs = 10 * secondMs;
const maxAnswerBytes = pushMarker.length * (2 + pushLimits.maxReports);
const busy: readonly (number | undefined)[] = [429, 503];

function adviceOfRefusal(site: string): string {
  return (
    `Put the file of <forward key> here that \`fleet-health enroll ${shownShellWord(site)} --site\` prints on the other ` +
    'collector now: the key was rotated or revoked, or its config.xml has no client with transport="forward" and the ' +
    'label of this site.'
  );
}

export function siteLink(to: string, { site, pushKey }: SiteKey): SiteLink {
  const url = new URL(to);
  if (url.pathname === '/') url.pathname = pushPath;
  return {
    url: shownUrl(url),
    send: async (body, signal, leftMs = mostMs) => {
      const timeoutMs = Math.max(leastMs, Math.min(mostMs, leftMs));
      const sent = { url, path: pushPath, client: senderOfSite(site), key: pushKey, body, maxAnswerBytes } as const;
      const {
        status,
        body: answer,
        isSigned,
      } = await withTimeout({ timeoutMs, signal }, (limit) =>
        postSigned({ ...sent, agent: false, signal: limit }),
      ).catch((thrown: unknown) => {
        throw requestFault(url, thrown);
      });
      if (busy.includes(status)) return { kind: 'busy', fault: answerFault(url, status, adviceOfRefusal(site)) };
      if (status !== 200) throw answerFault(url, status, adviceOfRefusal(site));
      // Otherwise a machine between both could cause the removal of reports that nobody has received.
      if (!isSigned || !answer.subarray(0, pushMarker.length).equals(pushMarker)) throw strangerFault(url);
      const hex = answer.subarray(pushMarker.length).toString('hex');
      return { kind: 'taken', acknowledged: new Set(hex.match(/.{32}/g) ?? []) };
    },
  };
}
