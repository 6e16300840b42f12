import type { LanguageWords } from '../vocabulary.ts';

/** Portuguese. */
export const portuguese: LanguageWords = {
  language: 'pt',
  terms: {
    minor:
      'criança*, bebê, bebês, bebé, bebés, menino, meninos, menina, meninas, menininha*, menininho*, adolescente*, menor de idade, menores de idade, infantil, pré adolescente*, colegial*, estudante do primário, recém nascid*, garotinha*, garotinho*, miúdo, miúdos, miúda, miúdas, criancinha*, petiz*, alun* do primário',
    maybeMinor: 'garota, garotas, garoto, garotos, rapariga*, filha, filhas, filho, filhos, novinha*, novinho*',
    explicit:
      'sexual*, sexuais, sexo, porno*, pornô*, pornográf*, erótic*, erotismo, masturb*, orgasmo*, incest*, ato sexual, estupr*, cena explícita, cenas explícitas, vídeo explícito, conteúdo explícito',
    nudity:
      'nudez, despid*, pelad*, sem roupa*, sem calcinha, sem cueca, sem as roupas, desnud*, seios, topless, genital*, pênis, pénis, vagina, nádegas nuas, nudista*, completamente nu, completamente nua, corpo nu, totalmente nua, totalmente nu',
    suggestive:
      'sexy, sedutor*, sensua*, lingerie, lasciv*, provocante*, insinuante*, fetich*, libidinos*, striptease*',
    undress: 'se despe, despindo se, despe se, tirando a roupa, tira a roupa, despir se',
    undressCommand:
      'dispa a, dispa o, dispa esta, dispa essa, despir a, despir esta, tire a roupa, tire as roupas, tirar a roupa, tirar as roupas, remova a roupa, remova as roupas, remover a roupa, remover as roupas, retire a roupa, deixe a nua, deixe o nu, deixe esta mulher nua, deixá la nua',
    unasked:
      'câmera escondida, câmara escondida, câmera oculta, câmara oculta, câmeras escondidas, câmera espiã, filmada em segredo, filmado em segredo, gravada em segredo, gravado em segredo, filmada às escondidas, gravada às escondidas, sem o consentimento, sem consentimento, sem seu consentimento, sem o seu consentimento, sem autorização, sem permissão, sem que ela saiba, sem ela saber, sem que saiba, voyeur*, espiad*',
    leaked: 'vazad*',
    privatePlace: 'vestiário*, provador*, chuveiro, banho, duche, banheiro*, casa de banho, quarto, íntim*, balneário*',
    abuseImagery:
      'pornografia de vingança, pornô de vingança, porno de vingança, upskirt*, nudes vazad*, fotos íntimas vazadas, nudes falsos',
    realPerson:
      'minha ex, meu ex, minha vizinha*, meu vizinho*, minha colega*, meu colega*, minha chefe, meu chefe, minha professora*, meu professor*, minha amiga*, meu amigo*, minha irmã*, celebridade*, atriz famosa, atriz conhecida, ator famoso, ator conhecido, cantora famosa, cantor famoso, cantora conhecida, pessoa real, mulher real, pessoas reais, político conhecido, política conhecida, esta pessoa, essa pessoa, esta mulher, essa mulher, este homem, a mulher da foto, a pessoa da foto, o presidente da república, o primeiro ministro',
    imitation:
      'deepfake*, troca de rosto*, trocar o rosto, troca de cara, com o rosto de, com a cara de, o rosto de, clonar a voz, voz clonada, idêntic* a, sósia de, igualzinh* a, idêntica a, idêntico a, personificar*',
    showing:
      'foto de, fotos de, foto da, foto do, fotografia de, imagem de, imagens de, vídeo de, vídeos de, vídeo da, vídeo do, clipe de, retrato de, retrato da, retrato do, filme de, gravação de, entrevista com, discurso de, discurso da, discurso do, com o rosto de, o rosto de, rosto da, rosto do, a voz de, voz clonada de, idêntica a, idêntico a',
    context:
      'médic*, doutor*, enfermeir*, hospital*, clínic*, cirurg*, anatom*, pediatr*, parteira*, amamenta*, aleitamento, parto, nascimento, dermatolog*, saúde, primeiros socorros, museu*, galeria*, pintura*, pintor*, escultura*, escultor*, estátua*, mármore, renascen*, barroc*, história da arte, educa*, aula, palestra, documentári*, notícia*, prevenção, conscientização',
    clothing: 'roupa, roupas, vestido, vestida, camisa, calça, calças',
    grownUp: 'adulto, adulta, adultos, adultas, mulher, mulheres, homem, homens, idoso, idosa',
  },
  onlyHere: { nudity: 'nu, nua, nus, nuas', minor: 'menor, menores, moleque' },
  signs: 'o, a, os, as, um, uma, do, da, dos, das, e, com, em, no, na, que, para, sem, por, minha, meu',
  idioms:
    'olho nu, verdade nua, verdade nua e crua, pés nus, árvores nuas, árvore nua, paredes nuas, parede nua, rato toupeira pelado, educação sexual, saúde sexual, reprodução sexual, contra o abuso sexual, ásia menor, ursa menor, dó menor, ré menor, mi menor, sol menor, lá menor, si menor, gato adulto, menor que, menor preço, cachorro pelado',
  negators: 'sem, não, nenhum, nenhuma, nada de',
  negatable: 'nudez, conteúdo sexual, conteúdo explícito, erotismo, pornografia, conteúdo adulto',
  ageAfter: 'anos, aninhos',
  ageBefore: 'idade de, com idade',
  numbers:
    'um/uma, dois/duas, três, quatro, cinco, seis, sete, oito, nove, dez, onze, doze, treze, quatorze/catorze, quinze, dezesseis/dezasseis, dezessete/dezassete',
};
