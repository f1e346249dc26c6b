import { errnoOf, FleetError, messageOf } from './errors/errors.ts';
import { withTimeout } from './deadline.ts';
import { postSigned, type SignedAnswer, type SignedPost } from './signed-post.ts';

const adviceOfRefusal =
  'Put the agent.json here that `fleet-health enroll CLIENT` prints on the collector now: the key was rotated or ' +
  'revoked, or config.xml has no transport="push" for this client.';

/** The advice by the status of an answer. Other statuses come from a proxy, or are faults that the collector logs. */
const adviceByStatus: Readonly<Record<number, string>> = {
  404: 'Write <push/> into <serve> of the collector and start `fleet-health serve` anew, or mend the URL.',
  413: 'Let the proxy in front of the collector take bodies of 2 MiB.',
  429: 'The collector has had many pushes of this client; the reports go with a later one.',
  503: 'The collector takes too much at a time, or cannot write; the reports go with a later push.',
  507: 'So many reports wait at the collector that it takes no more now; these stay here and go with a later push.',
};
const adviceOfProxy = 'Check that `fleet-health serve` runs behind the proxy that answered.';
const adviceOfRedirect = 'Write the URL that this one leads to: a push follows no redirection.';
const adviceOfOther = 'Look into the log of `fleet-health serve` on the collector.';

const adviceByCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: check that `fleet-health serve` runs, and host and port of its <serve>.',
  ENOTFOUND: 'The name does not resolve: check the URL and the name server.',
  EAI_AGAIN: 'The name does not resolve now: check the name server.',
  EPROTO: 'The other side speaks no TLS on this port: check https or http, and the port.',
};
const adviceOfNetwork = 'Check the network, a firewall, and that the collector is on.';
const adviceOfTls =
  'Check the certificate of the URL; for an authority of your own, name its file in NODE_EXTRA_CA_CERTS.';
const adviceOfSsh = 'Try it by hand as this account: ssh -T -o BatchMode=yes, with the account and key of agent.json.';

/** Returns a URL for messages, without a password. */
export function shownUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

/** Returns the fault of an answer that is not an acknowledgement. `refusal` is the advice for a refused key. */
export function answerFault(url: URL, status: number | undefined, refusal = adviceOfRefusal): FleetError {
  const message = `${shownUrl(url)} answered ${status ?? 'nothing'}`;
  const isRedirect = status !== undefined && status >= 300 && status < 400;
  const isProxy = status === 502 || status === 504;
  const other = isRedirect ? adviceOfRedirect : isProxy ? adviceOfProxy : adviceOfOther;
  return pushFault(message, status === 401 ? refusal : (adviceByStatus[status ?? 0] ?? other));
}

/**
 * Sends a body to the collector at `shown` as postSigned does, within a time. Throws FleetError `push-failed` without
 * an answer, and for an acknowledgement with a wrong MAC: a machine between both could cause the removal of what nobody
 * has received.
 */
export async function pushSigned(
  shown: URL,
  { signal, ...post }: SignedPost,
  timeoutMs: number,
): Promise<Pick<SignedAnswer, 'status' | 'body'>> {
  const answer = await withTimeout({ timeoutMs, signal }, (limit) => postSigned({ ...post, signal: limit })).catch(
    (thrown: unknown) => {
      throw requestFault(shown, thrown);
    },
  );
  if (answer.status === 200 && !answer.isSigned) throw strangerFault(shown);
  return answer;
}

/** Returns the fault of a request without an answer. */
function requestFault(url: URL, thrown: unknown): FleetError {
  const code = errnoOf(thrown) ?? '';
  const advice = adviceByCode[code] ?? (/CERT|TLS|SSL|SIGNATURE/.test(code) ? adviceOfTls : adviceOfNetwork);
  return pushFault(`${shownUrl(url)}: ${messageOf(thrown) || code}`, advice);
}

/** Returns the fault of an answer whose MAC is wrong. */
function strangerFault(url: URL): FleetError {
  const advice = 'Something else answers in its place, or the answer was changed on the way: check the URL.';
  return pushFault(`${shownUrl(url)} is not the collector`, advice);
}

export function sshFault(to: URL, complaint: string): FleetError {
  return pushFault(`ssh to ${to.host}: ${complaint === '' ? 'no answer' : complaint}`, adviceOfSsh);
}

function pushFault(message: string, advice: string): FleetError {
  return new FleetError({ code: 'push-failed', stage: 'run', message, advice });
}
