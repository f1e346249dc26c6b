import { FleetError } from '../../platform/errors/errors.ts';
import { getBody, requestFaultWords } from '../../notify/http/get-status.ts';
import { takeLogin } from '../../notify/http/url-login.ts';
import { withTimeout } from '../../platform/deadline.ts';
import { minuteMs } from '../../platform/units.ts';

const usual = { timeoutMs: minuteMs, maxBytes: 64 * 1024 * 1024 } as const;

/**
 * Returns the body at a URL, and its host. A name and password in the URL are sent as HTTP Basic authentication. Throws
 * FleetError `import-unreadable`, or the signal's reason. The URL may contain a token, so only its host is ever shown.
 */
export async function readUrl(
  text: string,
  signal: AbortSignal,
  { timeoutMs, maxBytes }: { readonly timeoutMs: number; readonly maxBytes: number } = usual,
): Promise<{ readonly host: string; readonly body: Buffer }> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw fault('the web address', 'it is none');
  const headers = takeLogin(url);
  let isLate = false;
  const { status, body } = await withTimeout({ timeoutMs, signal }, async (limit) => {
    limit.addEventListener('abort', () => (isLate = true));
    return await getBody(url, { headers, proxy: null, maxBytes, signal: limit });
  }).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw fault(url.host, isLate ? `no answer within ${timeoutMs / 1000} s` : requestFaultWords(thrown));
  });
  if (status < 200 || status > 299) throw fault(url.host, `status ${status}`);
  return { host: url.host, body };
}

function fault(host: string, what: string): FleetError {
  const advice = 'Check the address and the network; where it needs a header, fetch it with curl and pipe it here.';
  return new FleetError({ code: 'import-unreadable', stage: 'usage', message: `${host}: ${what}`, advice });
}
