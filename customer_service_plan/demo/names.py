"""Names and places of which the customers of the demo company are put together.

Telephone numbers begin with 555 01 after the area, as those in films do.
"""

import unicodedata
from typing import NamedTuple


class City(NamedTuple):
    name: str
    zip: str
    #: External id in `base` without its prefix; empty where Odoo has no state.
    state: str = ""
    #: What is dialled before the number, with the country.
    area: str = ""


class Region(NamedTuple):
    """People of one language in one country."""

    country: str
    lang: str
    women: tuple[str, ...]
    men: tuple[str, ...]
    #: A name that differs for women is written "Pappas/Pappa".
    families: tuple[str, ...]
    cities: tuple[City, ...]
    streets: tuple[str, ...]


def _words(text):
    return tuple(text.split())


def _names(text):
    return tuple(name.strip() for name in text.split(","))


FLANDERS = Region(
    country="be",
    lang="nl_BE",
    women=_words(
        "An Els Katrien Griet Lotte Marleen Sofie Hilde Yasmina Femke Ingrid Nele"
    ),
    men=_words("Jan Pieter Geert Bart Koen Wouter Stijn Jef Mohamed Emre Thijs Dirk"),
    families=_names(
        "Peeters, Maes, Claes, Wouters, De Smet, Vermeulen, Van den Broeck, Goossens, "
        "Hermans, Aerts, Segers, El Amrani, Yılmaz, Nguyen, Desmedt, Verhaegen"
    ),
    cities=(
        City("Antwerpen", "2000", "be_1", "+32 3"),
        City("Gent", "9000", "be_3", "+32 9"),
        City("Brugge", "8000", "be_5", "+32 50"),
        City("Leuven", "3000", "be_4", "+32 16"),
        City("Hasselt", "3500", "be_2", "+32 11"),
        City("Oostende", "8400", "be_5", "+32 59"),
    ),
    streets=_names(
        "Kerkstraat, Stationsstraat, Molenweg, Lindelaan, Schoolstraat, Nieuwstraat, "
        "Beukenlaan, Veldstraat"
    ),
)
WALLONIA = Region(
    country="be",
    lang="fr_BE",
    women=_words(
        "Nathalie Chantal Sandrine Fatima Amandine Martine Céline Aïcha Véronique "
        "Solange Émilie Bernadette"
    ),
    men=_words(
        "Olivier Benoît Thierry Rachid Julien Fabrice Jean-Pierre Arnaud Patrice "
        "Didier Éric Blaise"
    ),
    families=_names(
        "Dubois, Lambert, Dumont, Lejeune, Renard, Collignon, Gérard, Delcourt, "
        "Benali, Mbuyi, Kowalski, Lefèvre, Thiry, Hanon, Marchal, Servais"
    ),
    cities=(
        City("Bruxelles", "1000", "", "+32 2"),
        City("Liège", "4000", "be_8", "+32 4"),
        City("Namur", "5000", "be_10", "+32 81"),
        City("Charleroi", "6000", "be_7", "+32 71"),
        City("Mons", "7000", "be_7", "+32 65"),
        City("Arlon", "6700", "be_9", "+32 63"),
    ),
    streets=_names(
        "Rue de l'Église, Rue de la Gare, Avenue des Tilleuls, Rue du Moulin, "
        "Place du Marché, Chaussée de Bruxelles, Rue des Écoles, Rue Neuve"
    ),
)
ITALY = Region(
    country="it",
    lang="it_IT",
    women=_words(
        "Giulia Francesca Chiara Lucia Elena Rosalia Paola Teresa Ilaria Amina Silvia "
        "Carmela Ginevra Sara"
    ),
    men=_words(
        "Giuseppe Marco Luca Antonio Matteo Salvatore Davide Paolo Ahmed Enrico "
        "Stefano Giovanni Lorenzo Pietro"
    ),
    families=_names(
        "Rossi, Ferrari, Esposito, Bianchi, Romano, Colombo, Greco, Marino, Costa, "
        "Fontana, Caruso, De Luca, D'Angelo, Sanna, Hoxha, Pellegrini, Gatti, Vitale"
    ),
    cities=(
        City("Torino", "10121", "it_to", "+39 011"),
        City("Bologna", "40121", "it_bo", "+39 051"),
        City("Firenze", "50122", "it_fi", "+39 055"),
        City("Verona", "37121", "it_vr", "+39 045"),
        City("Modena", "41121", "it_mo", "+39 059"),
        City("Napoli", "80133", "it_na", "+39 081"),
        City("Catania", "95131", "it_ct", "+39 095"),
        City("Roma", "00184", "it_rm", "+39 06"),
        City("Cagliari", "09124", "it_ca", "+39 070"),
        City("Milano", "20121", "it_mi", "+39 02"),
        City("Palermo", "90133", "it_pa", "+39 091"),
        City("Bari", "70122", "it_ba", "+39 080"),
    ),
    streets=_names(
        "Via Roma, Via Garibaldi, Corso Italia, Via Dante, Via Verdi, Viale dei Pini, "
        "Piazza del Popolo, Via San Martino"
    ),
)
GREECE = Region(
    country="gr",
    lang="el_GR",
    women=_words(
        "Μαρία Ελένη Κατερίνα Σοφία Βασιλική Δέσποινα Αγγελική Ιωάννα Χριστίνα Ζωή "
        "Φωτεινή Καλλιόπη"
    ),
    men=_words(
        "Γιώργος Δημήτρης Κώστας Νίκος Γιάννης Σπύρος Παναγιώτης Μιχάλης Θανάσης Άρης "
        "Στέλιος Βασίλης"
    ),
    families=_names(
        "Παπαδόπουλος/Παπαδοπούλου, Νικολαΐδης/Νικολαΐδου, Γεωργίου, Παππάς/Παππά, "
        "Οικονόμου, Βλάχος/Βλάχου, Καραγιάννης/Καραγιάννη, Αντωνίου, Δημητρίου, "
        "Μακρής/Μακρή, Σταυρόπουλος/Σταυροπούλου, Ραπτάκης/Ραπτάκη, Λιάπης/Λιάπη, "
        "Κωνσταντινίδης/Κωνσταντινίδου, Ζαφειρίου, Δήμου"
    ),
    cities=(
        City("Θεσσαλονίκη", "546 24", "", "+30 231"),
        City("Βόλος", "382 21", "", "+30 2421"),
        City("Ρόδος", "851 31", "", "+30 2241"),
        City("Ηράκλειο", "712 02", "", "+30 281"),
        City("Ιωάννινα", "453 32", "", "+30 2651"),
        City("Καλαμάτα", "241 33", "", "+30 2721"),
        City("Αθήνα", "105 57", "", "+30 21"),
        City("Πειραιάς", "185 35", "", "+30 21"),
        City("Λάρισα", "412 22", "", "+30 241"),
        City("Πάτρα", "262 21", "", "+30 261"),
    ),
    streets=_names(
        "Ερμού, Βενιζέλου, Παπανδρέου, Αγίου Νικολάου, Κολοκοτρώνη, Σόλωνος, "
        "28ης Οκτωβρίου, Ρήγα Φεραίου"
    ),
)
REGIONS = (FLANDERS, WALLONIA, ITALY, GREECE)
COUNTRIES = ("be", "it", "gr")


class Firm(NamedTuple):
    name: str
    city: str
    #: Names of tags, see res_partner_demo.xml.
    tags: str = ""
    #: Where tickets speak of it, its external id.
    key: str = ""


FIRMS = {
    FLANDERS: (
        Firm("Bakkerij Van Damme", "Gent", "contract shop"),
        Firm("Fietsen Janssens", "Leuven", "shop", key="janssens"),
        Firm("Hotel De Oude Vuurtoren", "Oostende", "contract"),
        Firm("Drukkerij De Schelde", "Antwerpen", "workshop"),
        Firm("Kapsalon Mirella", "Hasselt", "newsletter"),
    ),
    WALLONIA: (
        Firm("Librairie Delvaux", "Liège", "shop", key="delvaux"),
        Firm("Pharmacie du Parc", "Bruxelles", "shop newsletter"),
        Firm("Garage Lambert", "Namur", "workshop"),
        Firm("Brasserie du Beffroi", "Mons"),
        Firm("Cabinet Vétérinaire Noël", "Arlon", "newsletter"),
    ),
    ITALY: (
        Firm("Panificio Bruni", "Torino", "contract shop", key="bruni"),
        Firm("Trattoria Da Piero", "Bologna", "newsletter"),
        Firm("Libreria Calvi", "Firenze", "shop"),
        Firm("Albergo Tre Pini", "Verona", "contract"),
        Firm("Officina Rinaldi", "Modena", "workshop"),
        Firm("Farmacia San Gennaro", "Napoli", "shop"),
        Firm("Gelateria Etna", "Catania", "shop newsletter"),
        Firm("Studio Dentistico Moretti", "Roma"),
        Firm("Cantina Sassu", "Cagliari"),
        Firm("Tipografia Galli", "Milano", "contract workshop"),
    ),
    GREECE: (
        Firm("Φαρμακείο Αλεξίου", "Θεσσαλονίκη", "contract shop", key="alexiou"),
        Firm("Ζαχαροπλαστείο Το Ρόδι", "Βόλος", "shop"),
        Firm("Ξενοδοχείο Γαλάζιο", "Ρόδος", "contract newsletter"),
        Firm("Συνεργείο Μανωλάκης", "Ηράκλειο", "workshop"),
        Firm("Ταβέρνα Ο Πλάτανος", "Ιωάννινα"),
        Firm("Kalamata Olive Press", "Καλαμάτα", "workshop"),
        Firm("Οδοντιατρείο Σταύρου", "Αθήνα", "newsletter"),
        Firm("Aegean Yacht Supplies", "Πειραιάς", "contract"),
        Firm("Φούρνος της Γειτονιάς", "Λάρισα", "shop"),
        Firm("Βιβλιοπωλείο Ιθάκη", "Πάτρα", "shop newsletter"),
    ),
}
POSITIONS = (
    "Owner",
    "Manager",
    "Purchasing",
    "Bookkeeping",
    "Reception",
    "Sales",
    "Technician",
)

_GREEK_PAIRS = {"ου": "ou", "αυ": "av", "ευ": "ev", "γγ": "ng", "μπ": "b", "ντ": "nt"}
_LETTERS = str.maketrans(
    {
        **dict(zip("αβγδεζηικλμνξοπρςστυφωı", "avgdeziiklmnxoprsstyfoi", strict=True)),
        **{"θ": "th", "χ": "ch", "ψ": "ps"},
    }
)


def latin(text):
    """Greek in the letters of a passport; no accents, whatever the language."""
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFD", text)
        if not unicodedata.combining(letter)
    )
    words = []
    for word in plain.split():
        low = word.lower()
        for pair, letters in _GREEK_PAIRS.items():
            low = low.replace(pair, letters)
        low = low.translate(_LETTERS)
        words.append(low.capitalize() if word[:1].isupper() else low)
    return " ".join(words)


def mailbox(name):
    """The part of an e-mail address before the @."""
    words = latin(name).lower().replace("'", "").replace("-", " ").split()
    return ".".join(words)
