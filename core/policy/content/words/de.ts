import type { LanguageWords } from '../vocabulary.ts';

/** German. */
export const german: LanguageWords = {
  language: 'de',
  terms: {
    minor:
      'kinder, kindern, kindes, kindlich*, kleinkind*, kleine kinder*, baby, babys, säugling*, neugeborene*, mädchen*, maedchen*, teenager*, minderjährig*, minderjaehrig*, jugendliche*, schülerin*, schulmädchen*, schulkind*, grundschüler*, grundschulkind*, kleiner junge*, kleinen jungen*, kleine tochter, kleiner sohn, heranwachsende*, kindergartenkind*, vorschulkind*, schuljunge*',
    maybeMinor: 'tochter, töchter, sohn, söhne, jugend, sehr junge frau, jung aussehend*',
    explicit:
      'sexuell*, sexszene*, sexvideo*, sexakt*, porno*, pornograf*, pornograph*, kinderporno*, erotisch*, erotik*, masturb*, geschlechtsverkehr, orgasm*, inzest*, vergewaltig*, missbraucht*, sexualisiert*, geschlechtsakt*',
    nudity:
      'nackt*, unbekleidet*, entblößt*, entblösst*, entkleidet*, ausgezogen*, ohne kleidung, ohne kleider, ohne unterwäsche, ohne unterhose, ohne höschen, oben ohne, hüllenlos*, nacktfoto*, nacktbild*, brüste, genitalien, penis, vagina, geschlechtsteil*, splitternackt*',
    suggestive:
      'sexy, verführerisch*, lasziv*, dessous, reizwäsche, aufreizend*, lüstern*, fetisch*, anzüglich*, sinnlich*, striptease*',
    undress: 'entkleiden, entkleidet sich, zieht sich aus, ausziehen, auszieht',
    undressCommand:
      'zieh sie aus, zieh ihn aus, zieh diese _ aus, zieh die _ aus, zieh _ _ aus, entkleide sie, entkleide ihn, entkleide die, entkleide diese*, entferne ihre kleid*, entferne seine kleid*, entferne die kleid*, entferne _ kleid*, entferne alle kleid*, kleidung entfernen, kleider entfernen, mach sie nackt, mach ihn nackt, mache sie nackt, mache _ _ nackt, mach _ _ nackt, ziehe sie aus, ziehe _ _ aus',
    unasked:
      'versteckte kamera*, versteckter kamera, versteckten kamera, heimlich gefilmt*, heimlich aufgenommen*, heimlich fotograf*, heimliche aufnahme*, ohne ihr wissen, ohne sein wissen, ohne ihre zustimmung, ohne seine zustimmung, ohne zustimmung, ohne einwilligung, ohne ihre einwilligung, ohne erlaubnis, voyeur*, spanner*, spionagekamera*',
    leaked: 'geleakt*',
    privatePlace: 'umkleide*, dusche, duschen, duscht, badezimmer, toilette*, schlafzimmer, intime*, intim',
    abuseImagery: 'racheporno*, geleakte nackt*, upskirt*, deepfake porno*, gefälschte nackt*',
    realPerson:
      'meine ex, meiner ex, mein ex, meinem ex, meinen ex, meine nachbarin*, meiner nachbarin*, mein nachbar*, meines nachbar*, meinem nachbar*, meine kollegin*, meiner kollegin*, mein kollege*, meines kollegen, meine chefin, meiner chefin, mein chef, meines chefs, meine lehrerin*, meiner lehrerin*, mein lehrer*, meine freundin*, meiner freundin*, meine mitschülerin*, meiner mitschülerin*, meine schwester*, meiner schwester*, promi*, berühmte schauspielerin*, berühmten schauspielerin*, berühmter schauspieler*, berühmten schauspieler*, berühmte sängerin*, berühmten sängerin*, echte person*, echten person*, reale person*, realen person*, bekannte politiker*, bekannten politiker*, diese person, dieser person, diese frau, dieser frau, dieser mann, dieses mannes, die person auf dem, die frau auf dem, der frau auf dem, bundeskanzler*, bundespräsident*',
    imitation:
      'deepfake*, gesichtstausch*, gesicht tauschen, mit dem gesicht von, das gesicht von, gesicht einsetzen, stimme klonen, geklonte stimme, geklonten stimme, täuschend echt*, genau wie, ununterscheidbar von, doppelgänger*',
    showing:
      'foto von, fotos von, bild von, bilder von, video von, videos von, clip von, porträt von, portrait von, aufnahme von, aufnahmen von, film von, rede von, interview mit, mit dem gesicht von, das gesicht von, stimme von, deepfake von',
    context:
      'medizin*, arzt*, ärzt*, krankenhaus*, klinik*, chirurg*, anatomi*, hebamme*, stillen, stillende*, stillt, geburt*, kinderarzt*, kinderärzt*, dermatolog*, gesundheit*, erste hilfe, museum*, galerie*, gemälde*, maler*, skulptur*, statue*, marmor*, renaissance*, barock*, kunst*, aufklärung*, unterricht*, vortrag*, lehrfilm*, dokumentation*, nachrichten*, prävention*',
    clothing: 'kleidung, kleider, bekleidet, angezogen, hemd, hose, unterwäsche',
    grownUp: 'erwachsen*, alte frau, alter mann, reif, frau, frauen, mann, männer',
  },
  onlyHere: { minor: 'kind, teen, teens', explicit: 'sex', maybeMinor: 'junge, jungen' },
  signs: 'der, die, das, ein, eine, einem, einen, einer, eines, und, mit, von, ohne, im, auf, ist, zwei, beim, vor',
  idioms:
    'junge frau*, jungen frau*, junger mann, junge männer, junge leute, jungen mann*, junge katze*, junge hund*, junge vögel, nackte wand, nackte wände, nackten wand, nackter fels*, nackten fels*, nackte tatsache*, nacktmull*, nacktschnecke*, nackte äste, nackten äste*, nackte glühbirne*, bloßem auge, sexuelle gesundheit, sexuelle aufklärung, sexuellen aufklärung, sexueller aufklärung, gegen sexuellen missbrauch, kinderüberraschung*, erwachsene katze*, babyblau*, nudefarben*, jugendstil*, jugendherberge*',
  negators: 'keine, kein, ohne, nicht, frei von',
  negatable:
    'nacktheit, sexuelle inhalte, sexuellen inhalte, sexueller inhalt, pornografie, erotik, nackte haut, explizite inhalte',
  ageAfter: 'jahre alt*, jahr alt*, jährig*, jaehrig*, j',
  ageBefore: 'im alter von, alter, aged',
  numbers:
    'ein/eins, zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn, elf, zwölf, dreizehn, vierzehn, fünfzehn, sechzehn, siebzehn',
};
