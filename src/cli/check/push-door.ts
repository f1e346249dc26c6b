import type { Config, Finding } from '../../config/config.ts';
import { messageOf } from '../../errors.ts';
import { escapeControls } from '../../log.ts';
import { pushPath } from '../../seal/push.ts';
import { plainAnswer } from './plain-answer.ts';

/** Where this machine reaches what listens on all of its addresses. */
const loopbackOf: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** Warns if sites forward to this collector, and the push door that config.xml opens does not answer. */
export async function pushDoorWarnings(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const { clients, serve, file } = config;
  const isForwarded = clients.some(({ forwardedBy, state }) => forwardedBy !== null && state !== 'retired');
  if (!isForwarded || serve?.push !== true) return [];
  const { hosts, port, tls } = serve;
  const [first = '127.0.0.1'] = hosts;
  const host = loopbackOf[first] ?? (first.includes(':') ? `[${first}]` : first);
  const url = new URL(`${tls === null ? 'http' : 'https'}://${host}:${port}${pushPath}`);
  const own = hosts.length === 0 && serve.socket !== null ? { socketPath: serve.socket } : {};
  // The certificate is for the name that sites use.
  const said = await plainAnswer(url, signal, { ...own, rejectUnauthorized: false }).then(
    ({ status }) => (status === 404 ? 'answers 404' : null),
    (thrown: unknown) => `does not answer (${messageOf(thrown)})`,
  );
  signal.throwIfAborted();
  if (said === null) return [];
  const message =
    `sites forward to this collector, and its push door at ${url.origin}${url.pathname} ${said}: ` +
    'start `fleet-health serve` anew; for a service see fleet-health crontab --systemd';
  return [{ file, line: null, message: escapeControls(message) }];
}
