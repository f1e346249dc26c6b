import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError, usageError } from '../../errors.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { newToken, readTokens, type StoredToken, type TokenPurpose, writeTokens } from '../../serve/tokens.ts';
import { takeLock } from '../../state/lock.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';
import { renderTable } from '../terminal/table.ts';

const nameForm = /^[\w.@-]{1,64}$/;

export interface TokensAddOptions {
  readonly name: string;
  readonly for: TokenPurpose | null;
}

/** `tokens add`: makes a token, prints it, and keeps its digest. */
export async function tokensAddCommand(context: Context, options: TokensAddOptions): Promise<ExitStatus> {
  const { name } = options;
  const purpose = options.for ?? 'look';
  if (!nameForm.test(name)) {
    throw usageError(`${JSON.stringify(name)} is no name for a token`, 'Write letters, digits, ., _, @ or -.');
  }
  const { token, sha256 } = newToken();
  await changeTokens(context, (known) => {
    if (known.some((one) => one.name === name)) {
      throw usageError(`there is a token "${name}"`, `fleet-health tokens remove ${name} makes it useless.`);
    }
    return [...known, { name, for: purpose, sha256, added_at: new Date().toISOString() }];
  });
  printAnswer(
    context.output,
    () => ({ command: 'tokens add', name, for: purpose, token }),
    () => token,
  );
  if (context.output.terminal) context.output.complain('It is shown this once. Browsers take it as the password.');
  return 0;
}

/** `tokens list`: whose tokens there are. */
export async function tokensListCommand(context: Context): Promise<ExitStatus> {
  const known = readTokens(statePaths(loadSettings(context).stateDir).tokens);
  printAnswer(
    context.output,
    () => ({
      command: 'tokens list',
      tokens: known.map(({ name, for: purpose, added_at }) => ({ name, for: purpose, added_at })),
    }),
    () =>
      known.length === 0
        ? 'There is no token.'
        : renderTable(
            context.output,
            [
              { title: 'name', cell: ({ name }) => name },
              { title: 'for', cell: (token) => token.for },
              { title: 'added', cell: ({ added_at }) => added_at.slice(0, 10) },
            ],
            known,
            () => [],
          ),
  );
  return Promise.resolve(0);
}

/** `tokens remove`: makes a token useless. */
export async function tokensRemoveCommand(context: Context, name: string): Promise<ExitStatus> {
  await changeTokens(context, (known) => {
    const left = known.filter((token) => token.name !== name);
    if (left.length < known.length) return left;
    const near = didYouMean(
      name,
      known.map((token) => token.name),
    );
    throw usageError(`there is no token "${name}"${near}`, 'fleet-health tokens list shows them.');
  });
  printDone(
    context.output,
    () => ({ command: 'tokens remove', name }),
    () => `The token of ${name} opens nothing any more.`,
  );
  return 0;
}

/** Another command changes the tokens for a moment, which is seconds where the disk is busy: half a minute in all. */
const lockAttempts = 600;
const lockPauseMs = 50;

/** Replaces the tokens, in a state folder that is ours, while nobody else does. Throws FleetError `locked`. */
async function changeTokens(
  context: Context,
  change: (known: readonly StoredToken[]) => readonly StoredToken[],
): Promise<void> {
  const paths = statePaths(loadSettings(context).stateDir);
  claimStateFolder(paths, []);
  for (let attempt = 0; attempt < lockAttempts; attempt += 1) {
    if (attempt > 0) await sleep(lockPauseMs, undefined, { signal: context.signal });
    const lock = await takeLock({ file: paths.tokensLock, nowMs: Date.now() });
    if (lock.kind === 'taken') continue;
    try {
      writeTokens(paths.tokens, change(readTokens(paths.tokens)));
      return;
    } finally {
      lock.release();
    }
  }
  throw new FleetError({ code: 'locked', stage: 'lock', message: 'another command changes the tokens' });
}
