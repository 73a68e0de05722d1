// In which language names come, and how days and numbers are written: as the browser's user has chosen. Pure.

const NAMED = ["en", "he", "ru"]; // languages in which the server names what can be measured
const OTHERWISE = "en-GB";

/** `{language, locale}`: the first of these locales in whose language there are names; English where there is none. */
export function chosen(locales) {
  const locale = locales.find((one) => NAMED.includes(languageOf(one))) ?? OTHERWISE;
  return { language: languageOf(locale), locale };
}

/** Old browsers say `iw` for Hebrew. */
function languageOf(locale) {
  const language = locale.toLowerCase().split("-")[0];
  return language === "iw" ? "he" : language;
}

export const { language: LANGUAGE, locale: LOCALE } = chosen(globalThis.navigator?.languages ?? []);
