import type { AuthenticationType, Client, ClientChannel, ParsedKey } from '../connection/ssh2.ts';
import { privatePartsOf } from './private-parts.ts';

/**
 * A login that does not wait: signed public key, session channel and exec go out behind the service request, in one
 * flight, where SSH otherwise waits for five answers (RFC 4252, section 7; RFC 4254, sections 5.1 and 6.5). sshd and
 * dropbear take the messages in order, so each is answered as if it had come in its turn.
 */

/** What OpenSSH and dropbear number the first channel of a connection; RFC 4254 leaves it to them. */
const guessedChannel = 0;

/** The server's answers fit no order that it was asked in. The same connection is of no more use. */
export class OutOfStep extends Error {}

export interface Refusal {
  readonly left: AuthenticationType[];
  readonly partial: boolean;
}

export interface AheadOptions {
  readonly ssh: Client;
  readonly username: string;
  readonly key: ParsedKey;
  readonly command: string;
  /** The key was not taken, or was not enough. ssh2 goes on with its authHandler as if this had been its first try. */
  readonly onRefused: (refusal: Refusal) => void;
  /** The channel whose command runs; or why there is none: OutOfStep, or what the server says. Not after a refusal. */
  readonly onChannel: (channel: ClientChannel | Error) => void;
}

/**
 * Sends the login in the listener of ssh2's first `handshake`, once the host key is proved: ssh2 itself sends the service
 * request when the listeners have returned, and the rest goes out in the same turn. Returns false if nothing is sent and
 * the login has to wait for each answer.
 */
export function sendAhead({ ssh, username, key, command, onRefused, onChannel }: AheadOptions): boolean {
  const parts = privatePartsOf(ssh);
  if (parts === null) return false;
  const { handlers, sendKeyLogin, beginLogin } = parts;
  const original = { SERVICE_ACCEPT: handlers['SERVICE_ACCEPT'], USERAUTH_FAILURE: handlers['USERAUTH_FAILURE'] };
  const channel = parts.reserveChannel((opened) => {
    if (opened instanceof Error) onChannel(opened);
    else if (opened.serverChannel !== guessedChannel) onChannel(new OutOfStep(`channel ${opened.serverChannel}`));
    else opened.onCommand(onChannel);
  });

  // ssh2 would begin its own login here, and the one under way would be a second one.
  handlers['SERVICE_ACCEPT'] = () => undefined;
  handlers['USERAUTH_FAILURE'] = (_protocol: unknown, left: AuthenticationType[], partial: boolean) => {
    Object.assign(handlers, original);
    channel.remove();
    onRefused({ left, partial });
    beginLogin();
  };

  queueMicrotask(() => {
    try {
      // RSA: SHA-256 is what every server takes that takes RSA without SHA-1 (RFC 8332, section 3).
      const [algorithm, hash] = key.type === 'ssh-rsa' ? ['rsa-sha2-256', 'sha256'] : [];
      sendKeyLogin(username, key, algorithm, (data, done) => {
        const signature: unknown = key.sign(data, hash);
        if (signature instanceof Error) throw Object.assign(signature, { level: 'client-authentication' });
        done(signature as Buffer);
      });
      channel.send(guessedChannel, command);
    } catch (thrown) {
      channel.remove();
      ssh.emit('error', thrown);
    }
  });
  return true;
}
