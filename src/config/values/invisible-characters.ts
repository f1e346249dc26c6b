/** Characters without a picture of their own: controls, format characters, fillers, and blanks other than U+0020. */
const invisible =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]|(?! )\p{Zs}/u;
/** Emoji whose parts are joined, or that ask for their coloured picture. */
const joinedEmoji = /\p{Extended_Pictographic}[\ufe0f\u200d\p{Emoji_Modifier}\p{Extended_Pictographic}]*/gu;
/** Joiners inside of words of scripts that need them, such as Persian and Hindi. */
const joinersInWords =
  /(?<=[\p{L}\p{M}])(?<![\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])[\u200c\u200d](?=\p{L})/gu;

/** Returns the first invisible character of a name, as `U+200B`; null if there is none: names must look different. */
export function invisibleCharacter(name: string): string | null {
  const [found] = invisible.exec(name.replace(joinedEmoji, '').replace(joinersInWords, '')) ?? [];
  return found === undefined ? null : `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Returns the fault of a name with an invisible character, as the end of a sentence; null for any other name. */
export function invisibleFault(name: string): string | null {
  const character = invisibleCharacter(name);
  return character === null ? null : `has an invisible character (${character}); write it anew, without that`;
}
