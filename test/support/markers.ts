/** Unique secrets, and a search for them in every encoding. */
import { randomBytes } from 'node:crypto';

export interface Markers {
  /**
   * Returns the secret of a place, made at its first use. It is printable, with characters that shells, URLs, XML and
   * HTML escape.
   */
  of(place: string): string;
  /** Adds another secret: a whole text that must not be found. */
  add(place: string, text: string | Buffer): void;
  /** Returns the secrets found in the bytes, as `place (form)`. */
  leaksIn(bytes: Uint8Array | string): readonly string[];
}

export function createMarkers(): Markers {
  const secrets = new Map<string, string>();
  const forms = new Map<string, readonly (readonly [string, Buffer])[]>();
  const add = (place: string, text: string | Buffer): void => {
    forms.set(place, formsOf(text));
  };
  return {
    add,
    of: (place) => {
      const known = secrets.get(place);
      if (known !== undefined) return known;
      const core = randomBytes(10).toString('hex');
      secrets.set(place, `${core}+/%&'$ "é`);
      // The search is for the part of a secret that no escape changes.
      forms.set(place, formsOf(core));
      return secrets.get(place) ?? '';
    },
    leaksIn: (bytes) => {
      const text = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
      const whole = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
      return [...forms].flatMap(([place, all]) =>
        all.filter(([, form]) => whole.includes(form)).map(([name]) => `${place} (${name})`),
      );
    },
  };
}

/**
 * Returns the encoded forms of a text. Base64 inside a longer text depends on the offset of the text, so the forms have
 * all three shifts, without the characters that depend on neighbours.
 */
function formsOf(text: string | Buffer): readonly (readonly [string, Buffer])[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const shifted = [0, 1, 2].map((shift): readonly [string, Buffer] => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const first = Math.ceil((shift * 8) / 6);
    return [`base64, ${shift}`, Buffer.from(encoded.slice(first, Math.floor(((shift + bytes.length) * 8) / 6)))];
  });
  const hex = bytes.toString('hex');
  return [
    ['as it is', bytes],
    ['backwards', Buffer.from(bytes).reverse()],
    ['UTF-16', Buffer.from(bytes.toString('latin1'), 'utf16le')],
    ['hex', Buffer.from(hex)],
    ['HEX', Buffer.from(hex.toUpperCase())],
    ...shifted,
  ];
}
