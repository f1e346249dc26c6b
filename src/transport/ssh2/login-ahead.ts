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
 * A login whose first try may go ahead of all answers, with the first command behind it. ssh2 knows nothing of that try:
 * it is told what followed from it when it asks what to try next.
 */
export class LoginAhead {
  readonly #login: Login;
  #isUnderWay = false;
  #wasRefused = false;
  #refusal: Refusal | null = null;
  /** What the login begins with, where that cannot go ahead. */
  #held: AnyAuthMethod | false | null = null;

  constructor(login: Login) {
    this.#login = login;
  }

  /** In the listener of ssh2's first `handshake`. Nothing goes ahead where the first try is no key. */
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

  /** ssh2's authHandler. */
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

  /** The command is on its way: its channel comes after the login, or the reason why there is none. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** The first try was refused, and the server has answered none since. */
  get isUnanswered(): boolean {
    return this.#wasRefused;
  }
}
