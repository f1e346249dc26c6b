import ssh2 from 'ssh2';

import { fingerprint } from '../../src/transport/known-hosts/fingerprint.ts';
import { generateHostKey } from '../../src/simulator/loopback-server.ts';
import { publicBlobOf } from './hostile-ssh.ts';
import { listen, type Listener } from './free-port.ts';

export interface EchoingServer extends Listener {
  readonly fingerprint: string;
  /** The passwords that the server received. */
  readonly heard: readonly string[];
}

/**
 * Starts a server that repeats the received password. It refuses user `login`, with the password in a prompt and in the
 * banner. It admits any other user, with the password in the command's output and errors.
 */
export async function startEchoingServer(): Promise<EchoingServer> {
  const pem = generateHostKey();
  const heard: string[] = [];
  const server = new ssh2.Server({ hostKeys: [pem] }, (client) => {
    client.on('error', () => undefined);
    let password = '';
    client.on('authentication', (attempt) => {
      if (attempt.method === 'password') {
        password = attempt.password;
        heard.push(password);
        if (attempt.username !== 'login') attempt.accept();
        else attempt.reject(['keyboard-interactive'], true);
      } else if (attempt.method === 'keyboard-interactive') {
        attempt.prompt([{ prompt: `One more, after ${password}: `, echo: false }], `it was ${password}`, () =>
          attempt.reject([`not-${password}` as never]),
        );
      } else attempt.reject(['password']);
    });
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec) => {
        const channel = acceptExec();
        channel.on('error', () => undefined);
        channel.stderr.write(`sh: ${password}: not found\n`);
        channel.write(`${password} ${Buffer.from(password).toString('base64')}\n`);
        channel.exit(127);
        channel.end();
      });
    });
  });
  const listener = await listen((socket) => server.injectSocket(socket));
  return { ...listener, fingerprint: fingerprint(publicBlobOf(pem)), heard };
}
