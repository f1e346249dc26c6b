import type { AnyAuthMethod, AuthenticationType, Client, ClientChannel, ParsedKey } from '../connection/ssh2.ts';
import { privatePartsOf } from './private-parts.ts';
import type { Login } from './login.ts';

/**
 * A pipelined login: signed public key, session channel and exec follow the service request in one flight. SSH
 * otherwise waits for five answers (RFC 4252, section 7; RFC 4254, sections 5.1 and 6.5). sshd and dropbear process the
 * messages in order, and the answers are the same.
 */

/** The number that OpenSSH and dropbear give the first channel of a connection; RFC 4254 leaves it to the server. */
const guessedChannel = 0;

/** The error if the server's answers do not fit the pipelined requests. The connection is no longer usable. */
export class OutOfStep extends Error {}

export interface AheadRefusal {
  readonly left: AuthenticationType[];
  readonly partial: boolean;
}

export interface AheadOptions {
  readonly ssh: Client;
  readonly username: string;
  readonly key: ParsedKey;
  readonly command: string;
  /** Called if the key was refused or did not suffice. ssh2 then continues with its authHandler from the start. */
  readonly onRefused: (refusal: AheadRefusal) => void;
  /**
   * Called with the channel whose command runs, or with OutOfStep or the server's error. Not called after a refusal.
   */
  readonly onChannel: (channel: ClientChannel | Error) => void;
}

/**
 * Sends the login in the turn of ssh2's first `handshake`, when the host key is proved and ssh2 has sent the service
 * request. Returns false if nothing is sent and the login has to wait for each answer.
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

  // ssh2 would start a login of its own here, beside the pipelined login.
  handlers['SERVICE_ACCEPT'] = () => undefined;
  handlers['USERAUTH_FAILURE'] = (_protocol: unknown, left: AuthenticationType[], partial: boolean) => {
    Object.assign(handlers, original);
    channel.remove();
    onRefused({ left, partial });
    beginLogin();
  };

  try {
    sendKeyLogin(username, key, undefined, (data, done) => {
      const signature: unknown = key.sign(data);
      if (signature instanceof Error) throw Object.assign(signature, { level: 'client-authentication' });
      done(signature as Buffer);
    });
    channel.send(guessedChannel, command);
  } catch (thrown) {
    channel.remove();
    ssh.emit('error', thrown);
  }
  return true;
}

type SendOptions = Pick<AheadOptions, 'ssh' | 'username' | 'command' | 'onChannel'>;

/**
 * A login whose first attempt may be sent ahead of all answers, together with the first command. ssh2 does not know of
 * that attempt: it gets the outcome when it asks for the next attempt.
 */
export class LoginAhead {
  readonly #login: Login;
  #isAsked = false;
  #isPending = false;
  #wasRefused = false;
  #refusal: AheadRefusal | null = null;
  /** The first attempt of the login, if it cannot be sent ahead. */
  #held: AnyAuthMethod | false | null = null;

  constructor(login: Login) {
    this.#login = login;
  }

  /**
   * Sends the login in the turn of ssh2's first `handshake`. Sends nothing if the first attempt is no key, or if the
   * server has accepted a request before it came.
   */
  send({ ssh, username, command, onChannel }: SendOptions): void {
    if (this.#isAsked) return;
    const first = this.#login.next(null, null);
    if (first !== false && first.type === 'publickey') {
      const onRefused = (refusal: AheadRefusal): void => {
        this.#isPending = false;
        this.#wasRefused = true;
        this.#refusal = refusal;
      };
      this.#isPending = sendAhead({ ssh, username, key: first.key as ParsedKey, command, onRefused, onChannel });
    }
    if (!this.#isPending) this.#held = first;
  }

  /** Returns the next attempt, as ssh2's authHandler; false if none is left. */
  next(left: AuthenticationType[] | null, partial: boolean | null): AnyAuthMethod | false {
    this.#isAsked = true;
    const held = this.#held;
    const refusal = this.#refusal;
    this.#held = null;
    this.#refusal = null;
    if (held !== null) return held;
    if (refusal !== null) return this.#login.next(refusal.left, refusal.partial);
    this.#wasRefused = false;
    return this.#login.next(left, partial);
  }

  /** True if the command was sent: its channel, or the error in its place, follows the login. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** True if the first attempt was refused and the server has answered no attempt since. */
  get isUnanswered(): boolean {
    return this.#wasRefused;
  }
}
