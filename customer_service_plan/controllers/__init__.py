from . import portal
from . import portal_merged
from . import service
