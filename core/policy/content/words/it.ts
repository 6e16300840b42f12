import type { LanguageWords } from '../vocabulary.ts';

/** Italian. */
export const italian: LanguageWords = {
  language: 'it',
  terms: {
    minor:
      'bambino, bambini, bambina, bambine, bimbo, bimbi, bimba, bimbe, neonat*, infantile, adolescent*, minorenne, minorenni, ragazzina, ragazzine, ragazzino, ragazzini, preadolescent*, scolara, scolare, scolaro, scolari, liceale, liceali, alunna, alunne, alunno, alunni, fanciull*',
    maybeMinor: 'ragazza, ragazze, ragazzo, ragazzi, figlia, figlie, figlio, figli',
    explicit:
      'sessual*, sesso, porno*, pornograf*, erotic*, erotismo, masturb*, orgasm*, incest*, atto sessuale, pedoporno*, stupr*, scena esplicita, scene esplicite, video esplicito, contenuto esplicito, contenuti espliciti',
    nudity:
      'nudo, nuda, nudi, nude, nudità, svestit*, spogliat*, senza vestiti, senza abiti, senza indumenti, senza veli, senza mutande, senza mutandine, senza biancheria, seno nudo, topless, genital*, pene, vagina, nudist*, denudat*',
    suggestive:
      'sexy, sexi, seducent*, sensual*, lingerie, lasciv*, provocant*, ammiccant*, fetici*, libidinos*, spogliarell*',
    undress: 'si spoglia, si sveste, spogliarsi, si toglie i vestiti',
    undressCommand:
      'spogliala, spoglialo, spoglia questa, spoglia questo, spoglia la, spoglia il, spoglia mia, spoglia i, svestila, svesti la, togli i vestiti, toglile i vestiti, togligli i vestiti, togliere i vestiti, rimuovi i vestiti, rimuovere i vestiti, rimuovi gli abiti, elimina i vestiti, rendila nuda, mettila nuda, denuda la, denudala',
    unasked:
      'telecamera nascosta, telecamere nascoste, camera nascosta, telecamera spia, ripresa di nascosto, ripreso di nascosto, riprese di nascosto, filmata di nascosto, filmato di nascosto, filmata in segreto, filmato in segreto, senza il suo consenso, senza consenso, senza il consenso, senza permesso, senza autorizzazione, a sua insaputa, a loro insaputa, voyeur*, guardon*',
    leaked: 'trapelat*',
    privatePlace: 'spogliatoi*, camerin*, doccia, docce, bagno, bagni, gabinett*, camera da letto, intim*',
    abuseImagery:
      'revenge porn*, porno vendetta, pornovendetta, upskirt*, foto intime rubate, nudi rubati, finti nudi, falsi nudi',
    realPerson:
      'la mia ex, il mio ex, mia ex, mio ex, mia vicina*, mio vicino*, la mia vicina*, il mio vicino*, mia collega*, mio collega*, la mia collega, il mio collega, mia professoressa*, mio professore*, mia maestra, la mia amica, mia amica, mio amico, mia compagna*, mio compagno*, mia sorella, celebrità, attrice famosa, attore famoso, famosa attrice, famoso attore, cantante famosa, cantante famoso, famosa cantante, famoso cantante, nota cantante, persona reale, persona vera, donna reale, donna vera, persone reali, noto politico, nota politica, questa persona, questa donna, questo uomo, la donna nella foto, la donna della foto, la persona nella foto, il presidente della repubblica, il presidente del consiglio, la mia capa, il mio capo',
    imitation:
      'deepfake*, scambio di volt*, scambiare il volto, scambio di facce, con il volto di, col volto di, con la faccia di, il volto di, clonare la voce, voce clonata, identic* a, sosia di, identica a, identico a, spacciarsi per',
    showing:
      'foto di, foto della, immagine di, immagini di, video di, clip di, ritratto di, film di, filmato di, ripresa di, intervista a, intervista con, discorso di, con il volto di, col volto di, il volto di, la voce di, voce clonata di, sosia di, identica a, identico a, selfie di',
    context:
      'medic*, dottor*, infermier*, ospedal*, clinic*, chirurg*, anatom*, pediatr*, ostetric*, allatta*, allattamento, parto, nascita, dermatolog*, salute, primo soccorso, museo, musei, galleria, gallerie, pittura, dipint*, pittor*, scultura, sculture, scultor*, statua, statue, marmo, rinascim*, barocc*, affresc*, storia dell arte, educa*, lezione, conferenza, documentari*, notizi*, telegiornale, prevenzione, sensibilizzazione',
    clothing: 'vestiti, vestito, vestita, abiti, indumenti, camicia, pantaloni',
    grownUp: 'adulto, adulta, adulti, adulte, donna, donne, uomo, uomini, anziano, anziana',
  },
  onlyHere: { minor: 'minore, minori, piccola, piccolo' },
  signs:
    'il, lo, la, i, gli, le, un, una, uno, di, del, della, dei, e, con, in, nel, nella, su, che, per, senza, al, mia, mio',
  idioms:
    'occhio nudo, nuda verità, piedi nudi, alberi nudi, albero nudo, rami nudi, parete nuda, pareti nude, nuda proprietà, educazione sessuale, salute sessuale, riproduzione sessuale, contro gli abusi sessuali, asia minore, orsa minore, do minore, re minore, mi minore, la minore, sol minore, si minore, gatto adulto, piccola città, piccolo paese, piccola barca, piccola casa, piccolo gatto, piccola imprenditoria, piccola cucina, piccolo robot, piccola isola',
  negators: 'senza, non, nessun, nessuna, niente',
  negatable: 'nudità, contenuti sessuali, contenuto sessuale, contenuti espliciti, erotismo, pornografia',
  ageAfter: 'anni, anno, annetti, enne',
  ageBefore: 'età di, all età di',
  numbers:
    'un/uno, due, tre, quattro, cinque, sei, sette, otto, nove, dieci, undici, dodici/dodicenne, tredici/tredicenne, quattordici/quattordicenne, quindici/quindicenne, sedici/sedicenne, diciassette/diciassettenne',
};
