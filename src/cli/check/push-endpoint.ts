import type { Config, Finding } from '../../config/config.ts';
import { messageOf } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { pushPath } from '../../report/seal/push.ts';
import { plainAnswer } from './plain-answer.ts';

/** The loopback address at which this machine reaches a server that listens on all addresses. */
const loopbackOf: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };
/** The answer of an open push endpoint to a GET, which `serve` neither logs nor counts. */
const methodNotAllowed = 405;

/** Warns if sites forward to this collector, and the push endpoint that config.xml opens does not answer. */
export async function pushEndpointWarnings(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const { clients, serve, file } = config;
  const isForwarded = clients.some(({ arrival, state }) => arrival.kind === 'site' && state !== 'retired');
  if (!isForwarded || serve?.push !== true) return [];
  const { hosts, port, socket, tls } = serve;
  // `serve` skips the first of its two usual addresses if IPv6 is off, and speaks no TLS on a socket.
  const listened = hosts.at(-1);
  const host = loopbackOf[listened ?? ''] ?? (listened?.includes(':') === true ? `[${listened}]` : listened);
  const url = new URL(`${tls === null || host === undefined ? 'http' : 'https'}://${host ?? 'localhost'}:${port}`);
  url.pathname = pushPath;
  const where = host === undefined ? (socket ?? '') : url.href;
  const own = host === undefined && socket !== null ? { socketPath: socket } : {};
  // The certificate is for the name that sites use, not for this address.
  const problem = await plainAnswer(url, signal, { ...own, rejectUnauthorized: false }).then(
    ({ status }) => (status === methodNotAllowed ? null : `answers ${status ?? 'nothing'}`),
    (thrown: unknown) => `does not answer (${messageOf(thrown)})`,
  );
  signal.throwIfAborted();
  if (problem === null) return [];
  const message =
    `sites forward to this collector, and its push endpoint at ${where} ${problem}: ` +
    'start `fleet-health serve` anew; for a service see fleet-health crontab --systemd';
  return [{ file, line: null, message: escapeControls(message) }];
}
