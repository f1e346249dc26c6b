/**
 * Words for a password in prompts of many languages, in lower case and without endings. They are those of Linux-PAM's
 * translations: a server asks in the language of its own locale.
 */
const passwordWords = [
  ...['passw', 'passphrase', 'passord', 'mot de passe', 'palavra-passe', 'palavra passe', 'contrase', 'contrasinal'],
  ...['contrasigno', 'kennwort', 'senha', 'wachtwoord', 'wagwoord', 'hasło', 'heslo', 'geslo', 'lösenord'],
  ...[
    'adgangskode',
    'lykilorð',
    'salasana',
    'jelszó',
    'parol',
    'parool',
    'şifr',
    'lozink',
    'slaptažod',
    'pasahitz',
    'pasvort',
  ],
  ...['focal faire', 'sandi', 'iphasiwedi', 'mật khẩu', 'парол', 'лозинк', 'κωδικός πρόσβασης', 'συνθηματικό', 'პაროლ'],
  ...['密码', '密碼', '口令', 'パスワード', '암호', '비밀번호', 'ססמ', 'סיסמ', 'كلمة سر', 'كلمة السر', 'كلمة المرور'],
  ...['گذرواژه', 'รหัสผ่าน', 'পাসওয়ার্ড', 'પાસવર્ડ', 'शब्दकूट', 'पासवर्ड', 'गुप्तशब्द', 'গুপ্তশব্দ', 'ਪਾਸਵਰਡ'],
  ...['ಗುಪ್ತಪದ', 'അടയാളവാക്ക്', 'ପ୍ରବେଶ ସଙ୍କେତ', 'රහස්පද', 'கடவுச்சொல்', 'సంకేతపద', 'ពាក្យសម្ងាត់'],
];

/** Words of prompts for a new password, a repeated one, or one that is valid once. */
const otherWords = [
  ...[
    'new',
    'retype',
    'again',
    'change',
    'one-?time',
    'otp',
    'token',
    'code',
    'pin',
    'neues?',
    'nouveau',
    'ny',
    'nytt',
  ],
  ...['nye', 'nuev[oa]', 'nuov[oa]', 'nov[aoáéýu]n?', 'nove', 'nowe', 'nou', 'nouă', 'nieuwe?', 'uusi?', 'berria'],
  ...['nua', 'új', 'yeni', 'mới', 'entsha', 'baru', 'nýtt', 'usage unique', 'solo uso', 'uso único', 'monouso'],
];
/** Beginnings of such words, and words of scripts that join words. */
const otherBeginnings = [
  ...[
    'einmal',
    'engangs',
    'engångs',
    'eenmalig',
    'jednor[aá]zov',
    'нов',
    'одноразов',
    'повтор',
    'жаңа',
    'νέο',
    'ახალი',
  ],
  ...['(?:ال)?جديد', 'חדש', 'নতুন', 'નવો', 'नया', 'नवीन', 'ਨਵਾਂ', 'ಹೊಸ', 'പുതിയ', 'വീണ്ടും', 'ନୂତନ', 'නව'],
  ...['புதிய', 'కొత్త'],
];
const otherParts = ['新', '一次性', '动态', '動態', 'ワンタイム', '새', '일회용', 'ថ្មី', 'ใหม่'];

const letter = String.raw`[\p{L}\p{M}]`;
const ofWords = `(?:${otherWords.join('|')})(?!${letter})|${otherBeginnings.join('|')}`;
const other = new RegExp(`(?<!${letter})(?:${ofWords})|${otherParts.join('|')}`, 'iu');

/** True if a prompt asks for the account's password, and not for a code or a new password. */
export function isPasswordPrompt(prompt: string): boolean {
  // Some translations hold a zero width space between words.
  const words = prompt.normalize('NFC').replaceAll('\u200b', '').toLowerCase();
  return passwordWords.some((word) => words.includes(word)) && !other.test(words);
}
