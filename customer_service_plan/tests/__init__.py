from . import test_mail_gateway
from . import test_merge
from . import test_portal
from . import test_promises
from . import test_upstream_repairs
