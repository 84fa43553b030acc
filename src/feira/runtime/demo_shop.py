"""The demo shop: what a newcomer finds in it. Everything here is made up."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from feira.services.catalog.application.ensure_categories import EnsureCategories, SeedCategory
from feira.services.catalog.application.ensure_products import EnsureProducts, SeedProduct
from feira.services.catalog.domain.product import Draft
from feira.services.flashsale.application.ensure_campaigns import EnsureCampaigns, SeedCampaign
from feira.services.flashsale.application.start_campaign import StartCampaign
from feira.services.flashsale.domain.campaign import Hourly

STOCK: Final = 1_000
LAST_PLAIN_ID: Final = 198
NOTEBOOK_ID: Final = 456
PEN_ID: Final = 789
"""The products of the documents' own examples, at their prices (I1)."""
PHONE_ID: Final = 199
PHONES: Final = 10_000
"""Enough for four days of its flash sale."""
HOURLY_SALE_ID: Final = 1
FIRST_SALE_ID: Final = 2
SALE_UNITS: Final = 100
SALE_PRICE_CENTS: Final = 1_00
FIRST_SALE_LASTS: Final = timedelta(hours=2)

CATEGORIES: Final = (
    SeedCategory(1, "Eletrônicos"),
    SeedCategory(2, "Celulares", 1),
    SeedCategory(3, "Áudio", 1),
    SeedCategory(4, "Casa"),
    SeedCategory(5, "Cozinha", 4),
    SeedCategory(6, "Moda"),
    SeedCategory(7, "Calçados", 6),
    SeedCategory(8, "Livros"),
    SeedCategory(9, "Esporte"),
    SeedCategory(10, "Papelaria"),
)
KINDS: Final = (
    ("Fone de ouvido sem fio", 3, 199_90),
    ("Caixa de som portátil", 3, 249_90),
    ("Capa para celular", 2, 39_90),
    ("Carregador turbo", 2, 89_90),
    ("Luminária de mesa", 4, 129_90),
    ("Panela antiaderente", 5, 159_90),
    ("Cafeteira italiana", 5, 99_90),
    ("Camiseta de algodão", 6, 49_90),
    ("Tênis de corrida", 7, 299_90),
    ("Romance brasileiro", 8, 44_90),
    ("Bola de futebol", 9, 79_90),
)
VARIANTS: Final = (
    *("azul", "vermelho", "verde", "amarelo", "preto", "branco", "cinza", "roxo", "laranja"),
    *("rosa", "marrom", "turquesa", "vinho", "bege", "grafite", "dourado", "prata", "coral"),
)
PRICE_STEP_CENTS: Final = 5_00


def categories() -> EnsureCategories:
    return EnsureCategories(CATEGORIES)


def products() -> EnsureProducts:
    """201 products: 1 to 198, the phone of the flash sales, 456 and 789."""
    return EnsureProducts((*_plain(), _phone(), *_of_the_documents()))


def campaigns(now: datetime) -> EnsureCampaigns:
    """A hundred phones at R$ 1.00 every hour (B6), and a hundred now, for who has just come."""
    return EnsureCampaigns(
        (
            SeedCampaign(HOURLY_SALE_ID, _sale(now, None, Hourly(0, 23))),
            SeedCampaign(FIRST_SALE_ID, _sale(now, now + FIRST_SALE_LASTS, None)),
        )
    )


def _sale(starts_at: datetime, ends_at: datetime | None, hourly: Hourly | None) -> StartCampaign:
    return StartCampaign(
        product_id=PHONE_ID,
        price_cents=SALE_PRICE_CENTS,
        units=SALE_UNITS,
        starts_at=starts_at,
        ends_at=ends_at,
        hourly=hourly,
        per_customer=1,
        queue_max=SALE_UNITS * 10,
        pay_seconds=300,
        carries_over=False,
    )


def _phone() -> SeedProduct:
    draft = Draft(
        code=f"SKU-{PHONE_ID:04}",
        name="iPhone de demonstração",
        price_cents=7_999_00,
        description="iPhone de demonstração, a R$ 1,00 nas ofertas relâmpago de cada hora.",
        category_ids=(2,),
    )
    return SeedProduct(PHONE_ID, draft, PHONES)


def _plain() -> Iterator[SeedProduct]:
    for number in range(LAST_PLAIN_ID):
        name, category_id, price_cents = KINDS[number % len(KINDS)]
        variant = VARIANTS[number // len(KINDS)]
        yield SeedProduct(
            id=number + 1,
            draft=Draft(
                code=f"SKU-{number + 1:04}",
                name=f"{name} {variant}",
                price_cents=price_cents + number // len(KINDS) * PRICE_STEP_CENTS,
                description=f"{name}, cor {variant}. Produto de demonstração.",
                category_ids=(category_id,),
                attributes=f'{{"cor":"{variant}"}}'.encode(),
            ),
            initial_stock=STOCK,
        )


def _of_the_documents() -> Iterator[SeedProduct]:
    for product_id, name, price_cents in (
        (NOTEBOOK_ID, "Caderno de capa dura", 29_99),
        (PEN_ID, "Caneta-tinteiro", 19_99),
    ):
        draft = Draft(
            code=f"SKU-{product_id:04}",
            name=name,
            price_cents=price_cents,
            description=f"{name}. Produto de demonstração.",
            category_ids=(10,),
        )
        yield SeedProduct(product_id, draft, STOCK)
