/** An SSH server that records every offered credential. It accepts a single key, and only if it is to forward. */
import ssh2, { type Connection } from 'ssh2';

import { fingerprint } from '../../../src/transport/known-hosts/fingerprint.ts';
import { forwardConnections, startSsh2Server, type Ssh2Server } from './ssh2-server.ts';

export interface RecordingServer extends Ssh2Server {
  /** Returns `user key SHA256:...` and `user password ...`, each once, sorted. */
  offered(): readonly string[];
}

/**
 * Starts the server. `accepts` is the fingerprint of the one key that logs in; connections are forwarded after that.
 */
export async function startRecordingServer(accepts: string | null = null): Promise<RecordingServer> {
  const seen = new Set<string>();
  const onClient = (client: Connection): void => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => {
      if (attempt.method === 'publickey') {
        const print = fingerprint(attempt.key.data);
        seen.add(`${attempt.username} key ${print}`);
        if (print === accepts) attempt.accept();
        else attempt.reject(['publickey', 'password', 'keyboard-interactive']);
        return;
      }
      if (attempt.method === 'password') seen.add(`${attempt.username} password ${attempt.password}`);
      if (attempt.method === 'keyboard-interactive') {
        attempt.prompt([{ prompt: 'Password: ', echo: false }], ([answer = '']) => {
          seen.add(`${attempt.username} password ${answer}`);
          attempt.reject();
        });
        return;
      }
      attempt.reject(['publickey', 'password', 'keyboard-interactive']);
    });
    forwardConnections(client);
  };
  const server = await startSsh2Server({ serve: (pem) => new ssh2.Server({ hostKeys: [pem] }, onClient) });
  return { ...server, offered: () => [...seen].sort() };
}
