import { accountName } from '../../platform/account.ts';

const maxChars = 255;

/**
 * Returns the name of the user: $SUDO_USER, else $USER, else the account's name, because cron may set neither variable.
 */
export function authorName(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = ['SUDO_USER', 'USER'].map((name) => environment[name]?.trim() ?? '').find((name) => name !== '');
  if (named !== undefined) return named.slice(0, maxChars);
  return accountName() ?? `uid ${process.getuid?.() ?? 'unknown'}`;
}
