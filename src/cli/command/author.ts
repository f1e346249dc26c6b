import { userInfo } from 'node:os';

const maxChars = 255;

/** The person at the keyboard: $SUDO_USER, else $USER, else the account's name; cron sets no variable everywhere. */
export function authorName(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = ['SUDO_USER', 'USER'].map((name) => environment[name]?.trim() ?? '').find((name) => name !== '');
  if (named !== undefined) return named.slice(0, maxChars);
  try {
    return userInfo().username;
  } catch {
    // An account without a line in the password file, as in a container.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
