import { usageError } from '../../platform/errors/errors.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { newToken, readTokens, type StoredToken, type TokenPurpose, writeTokens } from '../../look/serve/tokens.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import { changeTokens } from '../command/change-tokens.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';
import { renderTable } from '../terminal/table.ts';

const nameForm = /^[\w.@-]{1,64}$/;

/** Runs `tokens add`: makes a token, prints it, and keeps its digest. */
export async function tokensAddCommand(
  context: Context,
  options: { readonly name: string; readonly for: TokenPurpose | null },
): Promise<ExitStatus> {
  const { name } = options;
  const purpose = options.for ?? 'look';
  if (!nameForm.test(name)) {
    throw usageError(`${JSON.stringify(name)} is no name for a token`, 'Write letters, digits, ., _, @ or -.');
  }
  const token = await addToken(context, { name, for: purpose });
  printAnswer(
    context.output,
    () => ({ command: 'tokens add', name, for: purpose, token }),
    () => token,
  );
  const { terminal, verbosity, complain } = context.output;
  if (terminal && verbosity !== 'quiet') complain('It is shown this once. Browsers take it as the password.');
  return 0;
}

/** Returns a new token, and keeps its digest. Throws FleetError `usage` if there is a token of this name. */
export async function addToken(context: Context, made: Omit<StoredToken, 'sha256' | 'added_at'>): Promise<string> {
  const { token, sha256 } = newToken();
  const { name } = made;
  await replaceTokens(context, (known) => {
    if (known.some((one) => one.name === name)) {
      const remove = `fleet-health tokens remove ${shownShellWord(name)}`;
      throw usageError(`there is a token "${name}"`, `${remove} makes it useless.`);
    }
    return [...known, { ...made, sha256, added_at: new Date().toISOString() }];
  });
  return token;
}

/** Runs `tokens list`: lists the names and purposes of the tokens. */
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

/** Runs `tokens remove`: makes a token useless. */
export async function tokensRemoveCommand(context: Context, name: string): Promise<ExitStatus> {
  await replaceTokens(context, (known) => {
    const left = known.filter((token) => token.name !== name);
    if (left.length < known.length) return left;
    const near = didYouMean(
      name,
      known.map((token) => token.name),
    );
    throw usageError(`there is no token "${name}"${near}`, 'fleet-health tokens list shows them.');
  });
  return printDone(
    context.output,
    () => ({ command: 'tokens remove', name }),
    () => `The token of ${name} opens nothing any more.`,
  );
}

/** Replaces the tokens under a lock. Throws FleetError `locked` if another command holds the lock. */
async function replaceTokens(
  context: Context,
  change: (known: readonly StoredToken[]) => readonly StoredToken[],
): Promise<void> {
  const paths = statePaths(loadSettings(context).stateDir);
  await changeTokens(paths, context.signal, () => writeTokens(paths.tokens, change(readTokens(paths.tokens))));
}
