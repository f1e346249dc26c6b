import { messageOf } from '../../platform/errors/errors.ts';
import { withTimeout } from '../../platform/deadline.ts';
import { secondMs } from '../../platform/units.ts';

/** The statuses of documents that the server will not accept later either. */
export const refusals: ReadonlySet<number> = new Set([400, 413, 422]);
const timeoutMs = 30 * secondMs;

export interface Posted {
  /** The status; null if there was no answer. */
  readonly status: number | null;
  /** The reason why the document was not accepted; null if it was. */
  readonly fault: string | null;
}

/** Parses the URL of a server of pattoo; null if the text is not a URL, or has a login, which messages would show. */
export function pattooUrl(text: string | null): URL | null {
  const url = text !== null && URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['https:', 'http:'].includes(url.protocol)) return null;
  return url.username + url.password + url.search + url.hash === '' ? url : null;
}

/** Posts a document of an agent to receive/AGENT_ID below the server's URL. Never throws. */
export async function postPattoo(to: URL, document: string, signal: AbortSignal): Promise<Posted> {
  const { agent_id: id } = JSON.parse(document) as { readonly agent_id: string };
  const url = new URL(`receive/${id}`, to.href.endsWith('/') ? to : `${to.href}/`);
  try {
    const headers = { 'Content-Type': 'application/json', 'User-Agent': 'fleet-health-agent' };
    const request = { method: 'POST', body: document, headers, redirect: 'manual' } as const;
    const status = await withTimeout({ timeoutMs, signal }, async (limit) => {
      const send = (): Promise<Response> => fetch(url, { ...request, signal: limit });
      const answer = await send().catch((thrown: unknown) => {
        if (limit.aborted || !isClosedConnection(thrown)) throw thrown;
        return send();
      });
      await answer.body?.cancel();
      return answer.status;
    });
    return { status, fault: status === 200 ? null : `${url.origin}${url.pathname} answered ${status}` };
  } catch (thrown) {
    return { status: null, fault: `${url.origin}${url.pathname}: ${messageOf(causeOf(thrown))}` };
  }
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
}

/**
 * True if the connection ended before an answer. The server may have closed a kept connection at the same moment; fetch
 * does not repeat a POST, and does not say whether the connection was a kept one.
 */
function isClosedConnection(thrown: unknown): boolean {
  const { code } = Object(causeOf(thrown)) as { readonly code?: unknown };
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET';
}
