/** An SSH server that records every offered credential. It accepts a single key, and only if it is to forward. */
import { connect } from 'node:net';

import ssh2 from 'ssh2';

import { fingerprint } from '../../src/transport/known-hosts/fingerprint.ts';
import { generateHostKey } from '../../src/simulator/loopback-server.ts';
import { publicBlobOf } from './hostile-ssh.ts';
import { listen, type Listener } from './free-port.ts';

export interface RecordingServer extends Listener {
  /** The key for known_hosts, as `ssh-ed25519 AAAA...`. */
  readonly hostKey: string;
  /** Returns `user key SHA256:...` and `user password ...`, each once, sorted. */
  offered(): readonly string[];
}

/**
 * Starts the server. `accepts` is the fingerprint of the one key that logs in; connections are forwarded after that.
 */
export async function startRecordingServer(accepts: string | null = null): Promise<RecordingServer> {
  const pem = generateHostKey();
  const seen = new Set<string>();
  const server = new ssh2.Server({ hostKeys: [pem] }, (client) => {
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
    client.on('tcpip', (accept, _reject, { destIP, destPort }) => {
      const channel = accept();
      const socket = connect(destPort, destIP);
      for (const one of [channel, socket]) one.on('error', () => undefined);
      socket.pipe(channel).pipe(socket);
    });
  });
  const listener = await listen((socket) => server.injectSocket(socket));
  const hostKey = `ssh-ed25519 ${publicBlobOf(pem).toString('base64')}`;
  return { ...listener, hostKey, offered: () => [...seen].sort() };
}
