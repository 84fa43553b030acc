"""What the catalog tells the world: from the product as it stands to its contract."""

from feira.contracts.catalog import ProductChanged, ProductRemoved
from feira.services.catalog.domain.product import Product


def product_news(product: Product) -> ProductChanged | ProductRemoved:
    """The product as it now is."""
    if product.removed:
        return ProductRemoved(product_id=product.id, version=product.version)
    return ProductChanged(
        product_id=product.id,
        code=product.code,
        name=product.name,
        price_cents=product.price_cents,
        version=product.version,
        initial_stock=product.initial_stock,
    )
