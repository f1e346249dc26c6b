import path from 'node:path';

const prefix = '$CREDENTIALS_DIRECTORY/';

/**
 * Resolves a path that begins with `$CREDENTIALS_DIRECTORY/`, the folder that systemd gives a service
 * (LoadCredential=). Returns the path unchanged if systemd has passed no folder, and null if the path begins otherwise.
 */
export function credentialPath(text: string): string | null {
  if (!text.startsWith(prefix)) return null;
  const folder = credentialFolder();
  return folder === null ? text : path.join(folder, text.slice(prefix.length));
}

/** True if a resolved path names a credential, and systemd has passed none to this process. */
export function isMissingCredential(file: string): boolean {
  return file.startsWith(prefix);
}

/** True if systemd keeps this file for this service. An ACL grants the access, which the mode does not show. */
export function isCredential(file: string): boolean {
  const folder = credentialFolder();
  return folder !== null && file.startsWith(`${folder}/`);
}

function credentialFolder(): string | null {
  const folder = process.env['CREDENTIALS_DIRECTORY'] ?? '';
  return path.isAbsolute(folder) ? path.resolve(folder) : null;
}
