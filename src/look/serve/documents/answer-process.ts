import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import type { Config, ServeConfig } from '../../../config/config.ts';
import { type SecretsOf, secretsOf } from '../../../config/secret.ts';
import { hasEnded } from '../../../platform/child-process.ts';
import { secondMs } from '../../../platform/units.ts';
import { type Answer, words } from '../answer.ts';
import { answerMs } from '../look-answer.ts';
import type { LookRequest } from './documents.ts';

/** The configuration as a message has it: without its secrets, which stand beside it. */
export interface SentConfig {
  readonly config: Config;
  readonly secrets: SecretsOf;
}

/** A message to the process. The first one is `setup`. */
export type ToProcess =
  | ({ readonly kind: 'setup'; readonly serve: ServeConfig } & SentConfig)
  | ({ readonly kind: 'config' } & SentConfig)
  | { readonly kind: 'ask'; readonly id: number; readonly request: LookRequest; readonly configFault: string | null }
  /** Nobody waits for the answer any more. */
  | { readonly kind: 'end'; readonly id: number }
  /** A run has finished: what was read before is old. */
  | { readonly kind: 'forget' };

/** A message from the process. */
export type FromProcess =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'fault'; readonly message: string }
  /** The database does not answer any more, or answers again. */
  | { readonly kind: 'database' };

export interface AnswerProcessOptions {
  /** The file of the program, which calls `answerInProcess`. */
  readonly program: string;
  readonly serve: ServeConfig;
  readonly settings: () => Config;
  readonly configFault: () => string | null;
  readonly onFault: (thrown: unknown) => void;
  readonly onDatabase: () => void;
  /** The time without a request after which the process ends, and frees its memory; null: it does not end. */
  readonly idleMs: number | null;
}

/** The time beyond that of an answer, and after the end of its viewers, after which the process is killed. */
const graceMs = secondMs;

export const busyAnswer = (status: 429 | 500 | 503, text: string): Answer =>
  words(status, text, { 'Retry-After': '5', 'Cache-Control': 'no-store' });

/**
 * A process that makes answers, one at a time. It starts with the first request. One that does not answer in time is
 * killed, whatever it does, and the next request starts another. Threads would do with less memory, but to end one in a
 * call of SQLite's package ends the whole program.
 */
export class AnswerProcess {
  readonly #options: AnswerProcessOptions;
  #child: ChildProcess | null = null;
  /** The configuration that the process has. */
  #config: Config | null = null;
  #asked = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: AnswerProcessOptions) {
    this.#options = options;
  }

  /** Returns the answer to a request. The signal ends the work. */
  async answer(request: LookRequest, signal: AbortSignal): Promise<Answer> {
    clearTimeout(this.#idle);
    this.#child ??= this.#start();
    this.#update();
    this.#asked += 1;
    const id = this.#asked;
    try {
      const configFault = this.#options.configFault();
      return await this.#answerOf(this.#child, { kind: 'ask', id, request, configFault }, signal);
    } finally {
      const { idleMs } = this.#options;
      if (idleMs !== null) this.#idle = setTimeout(() => void this.close(), idleMs).unref();
    }
  }

  forget(): void {
    if (this.#child !== null) send(this.#child, { kind: 'forget' });
  }

  /** Lets the process close its session and end; kills it after a time. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const child = this.#child;
    if (child === null || hasEnded(child)) return;
    this.#child = null;
    const ended = once(child, 'exit');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    if (child.connected) child.disconnect();
    await ended;
    clearTimeout(timer);
  }

  #start(): ChildProcess {
    const { program, serve, settings, onFault, onDatabase } = this.#options;
    const child = fork(program, [], {
      serialization: 'advanced',
      execArgv: program.endsWith('.ts') ? ['--import', 'tsx'] : [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message: FromProcess) => {
      if (message.kind === 'fault') onFault(new Error(message.message));
      if (message.kind === 'database') onDatabase();
    });
    child.on('error', onFault);
    child.once('exit', () => {
      if (this.#child === child) this.#child = null;
    });
    this.#config = settings();
    send(child, { kind: 'setup', serve, ...sentConfig(this.#config) });
    return child;
  }

  /** Sends the configuration if it has changed. */
  #update(): void {
    const config = this.#options.settings();
    if (this.#child === null || config === this.#config) return;
    this.#config = config;
    send(this.#child, { kind: 'config', ...sentConfig(config) });
  }

  #answerOf(child: ChildProcess, asked: ToProcess & { readonly kind: 'ask' }, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const end = (answer: Answer): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        child.off('message', onMessage).off('exit', onExit).off('error', onExit);
        resolve(answer);
      };
      const onMessage = (message: FromProcess): void => {
        if (message.kind === 'answer' && message.id === asked.id) end(message.answer);
      };
      const onExit = (): void => end(busyAnswer(500, 'This cannot be answered; the log of the server says why.\n'));
      const endBy = (ms: number): void => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          if (this.#child === child) this.#child = null;
          child.kill('SIGKILL');
          end(busyAnswer(503, 'This takes too long.\n'));
        }, ms);
      };
      const onAbort = (): void => {
        send(child, { kind: 'end', id: asked.id });
        endBy(graceMs);
      };
      child.on('message', onMessage).once('exit', onExit).once('error', onExit);
      endBy(answerMs + graceMs);
      send(child, asked);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function sentConfig(config: Config): SentConfig {
  return { config, secrets: secretsOf(config) };
}

/** Sends a message to a process, which may have ended: its `exit` is the answer then. */
function send(child: ChildProcess, message: ToProcess): void {
  if (child.connected) child.send(message, () => undefined);
}
