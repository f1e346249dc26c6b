export interface NameQueueOptions {
  /** Calls back once the server has acted on everything that was sent before. */
  readonly ping: (answered: () => void) => void;
  /** True if another login can be asked in place of this one. */
  readonly mayMove: () => boolean;
}

/** A name that the server is to connect to. */
export interface Asked {
  readonly name: string;
  /** Asks the server. */
  readonly send: () => void;
  /** Called in place of `send`, perhaps at once, if the login stands still at an earlier name. */
  readonly moveOn: () => void;
}

/** The time that a server has for a name before the others are asked of another login. */
const holdMs = 1_000;

/**
 * The names that the server of a login is asked for, one after the other. While OpenSSH resolves a name (`getaddrinfo`
 * in connect_to of channels.c), its login stands still: half a minute if no name server answers. The answer to a ping
 * says that it goes on. sshd sends its answers only after it has acted on all that has arrived: of two names that are
 * asked at once, the first would seem to be the one that does not resolve. A server that answers no ping is asked for
 * all names at once.
 */
export class NameQueue {
  readonly #options: NameQueueOptions;
  readonly #waiting = new Set<Asked>();
  #state: 'asked' | 'ready' | 'mute' = 'asked';
  #holder: string | null = null;

  constructor(options: NameQueueOptions) {
    this.#options = options;
    const timer = setTimeout(() => this.#become('mute'), holdMs);
    timer.unref();
    options.ping(() => {
      clearTimeout(timer);
      this.#become('ready');
    });
  }

  /** The name at which the login stands still; null if it goes on. */
  get holder(): string | null {
    return this.#holder;
  }

  /** Asks the server in its turn. Returns a function that takes a name back which it was not asked for yet. */
  ask(asked: Asked): () => void {
    if (this.#holder !== null && this.#options.mayMove()) asked.moveOn();
    else this.#waiting.add(asked);
    this.#next();
    return () => this.#waiting.delete(asked);
  }

  #become(state: 'ready' | 'mute'): void {
    this.#state = state;
    this.#next();
  }

  #next(): void {
    for (const asked of this.#waiting) {
      if (this.#state === 'asked') return;
      this.#waiting.delete(asked);
      asked.send();
      if (this.#state === 'ready') this.#await(asked.name);
    }
  }

  #await(name: string): void {
    this.#state = 'asked';
    const timer = setTimeout(() => this.#hold(name), holdMs);
    timer.unref();
    this.#options.ping(() => {
      clearTimeout(timer);
      this.#holder = null;
      this.#become('ready');
    });
  }

  #hold(name: string): void {
    this.#holder = name;
    if (!this.#options.mayMove()) return;
    const moved = [...this.#waiting];
    this.#waiting.clear();
    for (const { moveOn } of moved) moveOn();
  }
}
