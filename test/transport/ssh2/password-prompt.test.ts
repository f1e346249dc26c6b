/** The prompts that the password of an account answers, in the languages that servers ask in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { isPasswordPrompt } from '../../../src/transport/ssh2/password-prompt.ts';

const answered = [
  ...['Password: ', '(monitor@web-1) Password: ', "monitor@newton's password:", 'Passphrase:', 'TACACS Password: '],
  ...['Password for ivanov@web-1:', 'Пароль (ivanov):', 'Current password: ', '[sudo: authenticate] Password: '],
  ...['Kennwort:', 'Palavra passe:', '口令：', '비밀번호:', 'كلمة المرور:', 'Lo\u0308senord: '],
];
const unanswered = [
  ...['Verification code: ', 'OTP', '', 'PIN:', 'New password: ', 'Retype new password: ', 'One-time password: '],
  ...['Kod: ', 'Kode: ', 'Código de verificación:', 'Einmalpasswort: ', 'Einmalkennwort: ', 'Engångslösenord: '],
  ...['Mot de passe à usage unique : ', 'Contraseña de un solo uso: ', 'Senha de uso único:', 'Одноразовый пароль: '],
  ...[
    'Jednorázové heslo: ',
    '一次性密码：',
    '动态口令：',
    'ワンタイムパスワード:',
    '일회용 비밀번호:',
    'Eenmalig wachtwoord: ',
  ],
];
const otherWords = 'Retype Again Change Onetime OTP Token Code PIN Neues Neue Nouveau'.split(' ');

/** By Linux-PAM's translations: the prompt for the password, and the one for a new password. */
const languages: Readonly<Record<string, readonly [asks: string, asksNew: string]>> = {
  ar: ['كلمة السر: ', 'كلمة سر جديدة: '],
  az: ['Şifrə: ', 'Yeni şifrə: '],
  bg: ['Парола: ', 'Нова парола: '],
  ca: ['Contrasenya: ', 'Nova contrasenya: '],
  cs: ['Heslo: ', 'Nové heslo: '],
  da: ['Adgangskode: ', 'Ny adgangskode: '],
  de: ['Passwort: ', 'Geben Sie ein neues Passwort ein: '],
  el: ['Κωδικός πρόσβασης: ', 'Νέος κωδικός πρόσβασης: '],
  eo: ['Pasvorto: ', 'Retajpu novan pasvorton: '],
  es: ['Contraseña: ', 'Nueva contraseña: '],
  et: ['Parool: ', 'Uus parool: '],
  eu: ['Pasahitza: ', 'Pasahitz berria: '],
  fi: ['Salasana: ', 'Uusi salasana: '],
  fr: ['Mot de passe : ', 'Nouveau mot de passe\u00a0: '],
  ga: ['Focal faire: ', 'Focal faire nua: '],
  he: ['ססמה: ', 'ססמה חדשה: '],
  hi: ['शब्दकूट: ', 'नया password: '],
  hu: ['Jelszó: ', 'Új jelszó: '],
  id: ['Sandi:', 'Sandi baru:'],
  it: ['Password: ', 'Nuova password: '],
  ja: ['パスワード:', '新しい パスワード:'],
  ka: ['პაროლი:', 'ახალი პაროლი: '],
  kk: ['Пароль: ', 'Жаңа пароль: '],
  km: ['ពាក្យ\u200bសម្ងាត់\u00a0៖', 'ពាក្យ\u200bសម្ងាត់ ថ្មី\u00a0៖'],
  ko: ['암호: ', '새 암호: '],
  nb: ['Passord: ', 'Nytt passord: '],
  nl: ['Wachtwoord: ', 'Nieuw wachtwoord: '],
  pa: ['ਪਾਸਵਰਡ: ', 'ਨਵਾਂ ਪਾਸਵਰਡ: '],
  pl: ['Hasło: ', 'Nowe hasło: '],
  pt: ['Palavra-passe: ', 'Nova palavra-passe: '],
  'pt-BR': ['Senha: ', 'Nova senha: '],
  ro: ['Parolă: ', 'Parolă nouă: '],
  ru: ['Пароль: ', 'Повторите ввод нового пароля: '],
  sk: ['Heslo: ', 'Opakujte nové heslo: '],
  sr: ['Лозинка: ', 'Нова лозинка: '],
  sv: ['Lösenord: ', 'Nytt lösenord: '],
  ta: ['கடவுச்சொல்:', 'புதிய password: '],
  tr: ['Parola: ', 'Yeni parola: '],
  uk: ['Пароль: ', 'Новий пароль: '],
  vi: ['Mật khẩu : ', 'Mật khẩu mới: '],
  'zh-CN': ['密码： ', '新的密码： '],
  'zh-TW': ['密碼： ', '新 密碼： '],
};

describe('isPasswordPrompt', () => {
  const no = [...unanswered, ...otherWords.map((word) => `${word} password:`)];
  for (const prompt of answered) it(`answers ${prompt}`, () => assert.equal(isPasswordPrompt(prompt), true));
  for (const prompt of no)
    it(`does not answer ${prompt || 'nothing'}`, () => assert.equal(isPasswordPrompt(prompt), false));
  for (const [language, [asks, asksNew]] of Object.entries(languages)) {
    it(`answers in ${language}, and gives no old password for a new one`, () => {
      assert.deepEqual([isPasswordPrompt(asks), isPasswordPrompt(asksNew)], [true, false]);
    });
  }
});
