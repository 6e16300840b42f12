import type { LanguageWords } from '../vocabulary.ts';

/** Dutch. */
export const dutch: LanguageWords = {
  language: 'nl',
  terms: {
    minor:
      'kinderen, kindje*, kleuter*, peuter*, baby, babys, zuigeling*, pasgeboren*, meisje*, jongetje*, tiener*, minderjarig*, puber*, scholier*, schoolmeisje*, schooljongen*, schoolkind*, basisschoolleerling*, kleine jongen, kleine meid, jeugdige*',
    maybeMinor: 'jongen, jongens, dochter*, zoon, zonen, meid, meiden',
    explicit:
      'seksueel, seksuele, seks, seksscène*, seksvideo*, porno*, pornograf*, kinderporno*, erotisch*, erotiek, masturb*, geslachtsgemeenschap, orgasm*, incest*, verkracht*, misbruikt*, expliciete scène*, expliciete video*, expliciete inhoud',
    nudity:
      'naakt*, bloot, blote borsten, blote billen, ontbloot*, ontkleed*, uitgekleed*, zonder kleren, zonder kleding, zonder ondergoed, zonder onderbroek, topless, borsten, genitaliën, penis, vagina, geslachtsdelen, poedelnaakt',
    suggestive: 'sexy, verleidelijk*, zwoel*, sensue*, lingerie, wulps*, uitdagende pose*, fetisj*, geil*, striptease*',
    undress: 'kleedt zich uit, zich uitkleden, uitkleden, uitkleedt',
    undressCommand:
      'kleed haar uit, kleed hem uit, kleed deze _ uit, kleed die _ uit, kleed mijn _ uit, kleed de _ uit, verwijder haar kleren, verwijder zijn kleren, verwijder de kleren, verwijder haar kleding, verwijder de kleding, verwijder alle kleding, verwijder _ kleding, verwijder _ kleren, trek haar kleren uit, trek zijn kleren uit, maak haar naakt, maak hem naakt, maak deze _ naakt, maak de _ naakt',
    unasked:
      'verborgen camera*, stiekem gefilmd*, stiekem opgenomen, stiekem gefotografeerd*, stiekem filmen, heimelijk gefilmd*, zonder haar toestemming, zonder zijn toestemming, zonder toestemming, zonder dat ze het weet, zonder dat zij het weet, zonder medeweten, voyeur*, gluur*, spycam*',
    leaked: 'gelekt*',
    privatePlace: 'kleedkamer*, kleedhok*, paskamer*, douche*, badkamer*, wc, toilet*, slaapkamer*, intiem*, intieme',
    abuseImagery: 'wraakporno*, upskirt*, gelekte naakt*, gelekte intieme, nep naakt*, nepnaakt*',
    realPerson:
      'mijn ex, mijn buurvrouw*, mijn buurman*, mijn buurmeisje*, mijn collega*, mijn baas, mijn bazin, mijn lerares*, mijn leraar*, mijn juf*, mijn vriendin*, mijn vriend*, mijn klasgenoot*, mijn klasgenote*, mijn zus*, beroemdheid*, bekende nederlander*, beroemde actrice*, bekende actrice*, beroemde acteur*, beroemde zangeres*, bekende zangeres*, beroemde zanger*, echte persoon, echt persoon, bestaande persoon, bestaand persoon, echte vrouw, bekende politic*, deze persoon, deze vrouw, deze man, de vrouw op de foto, de persoon op de foto, de man op de foto, de minister president',
    imitation:
      'deepfake*, gezichtswissel*, gezicht verwisselen, gezicht vervangen, met het gezicht van, het gezicht van, stem klonen, gekloonde stem, sprekend lijkt op, precies lijkt op, dubbelganger*, niet van echt te onderscheiden',
    showing:
      'foto van, fotos van, afbeelding van, beeld van, beelden van, video van, videos van, filmpje van, clip van, portret van, opname van, opnames van, film van, interview met, toespraak van, met het gezicht van, het gezicht van, stem van, deepfake van, lijkt op',
    context:
      'medisch*, arts, artsen, dokter*, verpleeg*, ziekenhuis*, kliniek*, chirurg*, anatom*, kinderarts*, verloskundig*, vroedvrouw*, borstvoeding*, bevalling*, geboorte*, dermatolog*, gezondheid*, ehbo, eerste hulp, museum*, musea, galerie*, schilder*, beeldhouw*, standbeeld*, marmer*, renaissance*, barok*, fresco*, kunst*, voorlichting*, onderwijs*, lezing*, documentaire*, nieuws*, preventie*',
    clothing: 'kleren, kleding, gekleed, aangekleed, jurk, overhemd, broek',
    grownUp: 'volwassen*, vrouw, vrouwen, man, mannen, oude vrouw, oude man',
  },
  onlyHere: { minor: 'kind, meisje', explicit: 'sex' },
  signs: 'de, het, een, van, en, met, op, in, is, dat, zonder, aan, bij, voor, twee, mijn, deze',
  idioms:
    'blote oog, naakte waarheid, naakte rots*, naakte bomen, naakte takken, naakte molrat*, naaktslak*, naakte muur, naakte muren, blote voeten, blote handen, seksuele voorlichting, seksuele gezondheid, seksuele opvoeding, tegen seksueel misbruik, volwassen kat*, jeugdherberg*',
  negators: 'geen, zonder, niet, nooit',
  negatable: 'naaktheid, seksuele inhoud, naakt, erotiek, pornografie, expliciete inhoud',
  ageAfter: 'jaar oud*, jaar, jarig*, jarige',
  ageBefore: 'leeftijd van, leeftijd',
  numbers:
    'een, twee, drie, vier, vijf, zes, zeven, acht, negen, tien, elf, twaalf, dertien, veertien, vijftien, zestien, zeventien',
};
