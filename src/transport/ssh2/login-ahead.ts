import type { Login } from './login.ts';
import { sendAhead, type Refusal } from './pipelining.ts';
import type { AnyAuthMethod, AuthenticationType, Client, ClientChannel, ParsedKey } from '../connection/ssh2.ts';

export interface SendOptions {
  readonly ssh: Client;
  readonly username: string;
  readonly command: string;
  /** See `sendAhead`. */
  readonly onChannel: (channel: ClientChannel | Error) => void;
}

/**
 * A login whose first attempt may be sent ahead of all answers, together with the first command. ssh2 does not know of
 * that attempt: it gets the outcome when it asks for the next attempt.
 */
export class LoginAhead {
  readonly #login: Login;
  #isUnderWay = false;
  #wasRefused = false;
  #refusal: Refusal | null = null;
  /** The first attempt of the login, if it cannot be sent ahead. */
  #held: AnyAuthMethod | false | null = null;

  constructor(login: Login) {
    this.#login = login;
  }

  /** Sends the login from the listener of ssh2's first `handshake`. Sends nothing if the first attempt is no key. */
  send({ ssh, username, command, onChannel }: SendOptions): void {
    const first = this.#login.next(null, null);
    if (first !== false && first.type === 'publickey') {
      const onRefused = (refusal: Refusal): void => {
        this.#isUnderWay = false;
        this.#wasRefused = true;
        this.#refusal = refusal;
      };
      this.#isUnderWay = sendAhead({ ssh, username, key: first.key as ParsedKey, command, onRefused, onChannel });
    }
    if (!this.#isUnderWay) this.#held = first;
  }

  /** Returns the next attempt, as ssh2's authHandler; false if none is left. */
  next(left: AuthenticationType[] | null, partial: boolean | null): AnyAuthMethod | false {
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
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** True if the first attempt was refused and the server has answered no attempt since. */
  get isUnanswered(): boolean {
    return this.#wasRefused;
  }
}
