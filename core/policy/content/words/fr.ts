import type { LanguageWords } from '../vocabulary.ts';

/** French. */
export const french: LanguageWords = {
  language: 'fr',
  terms: {
    minor:
      'enfant, enfants, enfantin*, bébé, bébés, nourrisson*, nouveau né*, fillette*, garçonnet*, gamin*, gosse*, adolescent*, mineur*, mineure, mineures, petite fille*, petit garçon*, petites filles, petits garçons, jeune fille*, jeunes filles, jeune garçon*, jeunes garçons, écolière*, écolier*, lycéenne*, lycéen*, collégienne*, collégien*, préadolescent*, tout petit*, bambin*',
    maybeMinor: 'fille, filles, garçon, garçons, jeunette*',
    explicit:
      'sexuel*, sexe, porno*, pornograph*, érotique*, érotisme, masturb*, rapport sexuel*, orgasme*, inceste*, pédoporno*, viol, violée, violé, agression sexuelle, scène explicite, scènes explicites, vidéo explicite, contenu explicite',
    nudity:
      'nudité, dénudé*, déshabillé*, dévêtu*, sans vêtement*, sans ses vêtements, sans habit*, sans sous vêtements, sans slip, seins nus, torse nu, à poil, naturiste*, tout nu, toute nue, parties génitales, organes génitaux, pénis, vagin, fesses nues, entièrement nu*',
    suggestive:
      'sexy, séduisant*, sensuel*, lascif*, lascive*, aguichant*, aguicheu*, provocant*, fétichis*, lubrique*, strip tease*',
    undress: 'se déshabille*, déshabiller, se dévêt*, enlève ses vêtements, retire ses vêtements',
    undressCommand:
      'déshabille la, déshabille le, déshabille cette*, déshabille ma, déshabille les, déshabille mon, enlève lui, retire lui ses, enlève les vêtements, retire les vêtements, enlever les vêtements, retirer les vêtements, supprime les vêtements, supprimer les vêtements, mets la nue, mets le nu, rends la nue, rendre nue, dénude la, dénude cette*, dénude le',
    unasked:
      'caméra cachée, caméras cachées, caméra espion*, filmé* en secret, filmée en cachette, filmé à son insu, filmée à son insu, filmés à leur insu, filmées à leur insu, à son insu, à leur insu, sans son consentement, sans leur consentement, sans consentement, sans son accord, sans autorisation, voyeur*',
    leaked: 'fuité*, fuitées',
    privatePlace:
      'vestiaire*, cabine d essayage, cabines d essayage, douche*, salle de bain*, toilettes, chambre à coucher, intime*',
    abuseImagery:
      'revenge porn*, porno vengeance, pornodivulgation, upskirt*, photos intimes volées, nudes volés, faux nus',
    realPerson:
      'mon ex, ma voisine*, mon voisin*, ma collègue*, mon collègue*, ma patronne, mon patron, ma prof*, mon prof*, ma copine, mon amie, ma camarade*, mon camarade*, ma soeur, célébrité*, actrice célèbre, acteur célèbre, actrice connue, chanteuse célèbre, chanteur célèbre, chanteuse connue, personne réelle, vraie personne, vraie femme, femme réelle, femme politique connue, homme politique connu, cette personne, cette femme, cet homme, la personne sur, la femme sur la photo, l homme sur la photo, le président de la république, le premier ministre',
    imitation:
      'deepfake*, hypertrucage*, échange de visage*, échanger le visage, remplacer le visage, avec le visage de, le visage de, cloner la voix, voix clonée, l apparence exacte de, sosie de, exactement comme, imite à la perfection',
    showing:
      'photo de, photos de, image de, images de, vidéo de, vidéos de, clip de, portrait de, film de, séquence de, interview de, entretien avec, discours de, avec le visage de, le visage de, la voix de, voix clonée de, sosie de',
    context:
      'médical*, médecin*, infirmi*, hôpital*, clinique*, chirurg*, anatomi*, pédiatr*, sage femme*, allait*, allaitement, naissance*, accouchement*, dermatolog*, santé, premiers secours, musée*, galerie*, peinture*, peintre*, sculpture*, sculpteur*, statue*, marbre, renaissance, baroque, fresque*, histoire de l art, éducati*, éducation, cours, conférence*, documentaire*, actualité*, prévention, sensibilisation',
    clothing: 'vêtements, vêtement, habillé, habillée, habits, robe, chemise, pantalon, maillot',
    grownUp: 'adulte, adultes, femme, femmes, homme, hommes, âgé, âgée',
  },
  onlyHere: { nudity: 'nu, nue, nus, nues', minor: 'ado, ados' },
  signs: 'le, la, les, un, une, des, du, de, et, avec, dans, sur, est, au, aux, sans, en, mon, ma, cette',
  idioms:
    'oeil nu, à l œil nu, l oeil nu, mise à nu, mis à nu, pieds nus, pied nu, tête nue, mains nues, main nue, arbres nus, murs nus, arbre nu, nue propriété, éducation sexuelle, santé sexuelle, reproduction sexuelle, contre les violences sexuelles, beau sexe, mode mineur, en do mineur, la mineur, ré mineur, mi mineur, sol mineur, si mineur, fa mineur, asie mineure, ouvrier mineur, casque de mineur, lampe de mineur, mineur de charbon, mineurs de charbon, chat adulte*, vieille fille, fille d attente, jeune fille au pair, jeune fille à la perle',
  negators: 'sans, pas de, aucun, aucune, ni, non, jamais',
  negatable: 'nudité, contenu sexuel, contenu explicite, érotisme, pornographie, scène sexuelle',
  ageAfter: 'ans, années',
  ageBefore: 'âgé de, âgée de, âge de, agés de',
  numbers:
    'un, deux, trois, quatre, cinq, six, sept, huit, neuf, dix, onze, douze, treize, quatorze, quinze, seize, dix sept',
};
