"""The page to send: one HTML file with a model inside, that needs neither server nor network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, ClassVar

from sketchkit.critic import BEGINNINGS, CRITIC, load_critic
from sketchkit.engine import LSTMWeights
from sketchkit.errors import InputError
from sketchkit.models import DrawingModel
from sketchkit_canvas.modules import link
from sketchkit_canvas.weights import Tensors, model_tensors, pack, recogniser_tensors
